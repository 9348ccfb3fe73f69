"""Inputs: from references to objects with digest and generation.

Owns the resolution of outputs of other steps through their manifests. Refuses whatever lies outside the
user's own folder.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from argovx_lab.errors import OutputsMissing, SpecError
from argovx_lab.launcher import records
from argovx_lab.launcher.arguments import Pointer
from argovx_lab.model.layout import Layout, split_uri
from argovx_lab.model.step import ArtifactRef, StepSpec
from argovx_lab.storage.objects import Objects


def resolve(
    objects: Objects, layout: Layout, spec: StepSpec, manifests: Mapping[str, Pointer]
) -> dict[str, dict[str, Any]]:
    """Return name → ``{uri, digest, codec, size_bytes, generation}`` for every input.

    Parameters
    ----------
    manifests : mapping
        Manifests of producers in the same Workflow, by input: what Argo put into the arguments.

    Raises
    ------
    SpecError
        When a reference is malformed or leaves the user's folder.
    OutputsMissing
        When the object or the producer's output is not there.
    """
    none = Pointer("", "")
    return {
        name: _resolve(objects, layout, name, ref, manifests.get(name, none))
        for name, ref in spec.inputs.items()
    }


def own_object(layout: Layout, uri: str, what: str) -> tuple[str, str]:
    """Split a URI that must lie in the user's folder.

    Raises
    ------
    SpecError
        When it does not.
    """
    bucket, name = split_uri(uri)
    parts = name.split("/")
    if bucket != layout.bucket or not name.startswith(layout.root) or {"", ".", ".."} & set(parts):
        raise SpecError(
            f"{what} {uri!r} is outside of {layout.uri(layout.root)}",
            hint="A step reads its own user's folder only.",
        )
    return bucket, name


def _resolve(
    objects: Objects, layout: Layout, name: str, ref: ArtifactRef, pointer: Pointer
) -> dict[str, Any]:
    made = replace(ref, manifest=pointer.uri) if pointer.uri and not ref.manifest else ref
    found = _from_manifest(objects, layout, name, made, pointer) if made.manifest else None
    uri = found["uri"] if found else ref.uri
    digest = found.get("digest") if found else ref.digest
    codec = found.get("codec") if found else ref.codec
    if not (uri and digest and codec):
        raise SpecError(f"input {name} names neither content nor an output of a step")
    bucket, path = own_object(layout, uri, f"input {name}")
    generation = int(found.get("generation") or 0) if found else 0
    meta = objects.stat(bucket, path, generation=generation or None)
    if meta is None:
        raise OutputsMissing(
            f"input {name} is not in the bucket any more",
            hint="Run the step that makes it, or the cell, again.",
        )
    return {
        "uri": uri,
        "digest": digest,
        "codec": codec,
        "size_bytes": meta.size_bytes,
        "generation": meta.generation,
    }


def _from_manifest(
    objects: Objects, layout: Layout, name: str, ref: ArtifactRef, pointer: Pointer
) -> dict[str, Any]:
    bucket, path = own_object(layout, ref.manifest, f"manifest of input {name}")
    if not path.startswith(f"{layout.root}runs/") or not path.endswith("/manifest.json"):
        raise SpecError(f"manifest of input {name} is not a step's: {ref.manifest!r}")
    record = records.read(objects, bucket, path, records.MANIFEST)
    producer = ref.step or "the producing step"
    if record is None:
        raise OutputsMissing(
            f"{producer} has no outputs (yet), so input {name} is missing", hint="Run it first."
        )
    if pointer.uri and (record[1] != pointer.digest or record[0].get("step") != ref.step):
        raise OutputsMissing(
            f"the manifest behind input {name} is not the one that {producer} handed on", hint="Run it again."
        )
    outputs = record[0].get("outputs") or {}
    output = outputs.get(ref.output)
    if not isinstance(output, dict):
        there = ", ".join(sorted(outputs)) or "none"
        raise OutputsMissing(f"{producer} has no output {ref.output!r} for input {name}; it has {there}")
    folder = ref.manifest[: -len("manifest.json")]
    if not str(output.get("uri", "")).startswith(folder):
        raise SpecError(f"the manifest behind input {name} points outside of its own folder")
    for field in ("digest", "codec"):
        wanted, has = getattr(ref, field), output.get(field)
        if wanted and has != wanted:
            raise OutputsMissing(
                f"input {name} was submitted with another {field} than the manifest of {producer} has now",
                hint="Run the step that makes it again.",
            )
    return output
