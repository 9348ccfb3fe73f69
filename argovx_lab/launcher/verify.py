"""The check that the outputs are there and what the manifest says.

Owns the judgement that makes a step succeed. Refuses manifests of other attempts, and outputs outside of the
attempt's own folder.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from argovx_lab.errors import OutputsMissing, RemoteError
from argovx_lab.launcher import records
from argovx_lab.launcher.claim import Claim
from argovx_lab.model.layout import Attempt, split_uri
from argovx_lab.model.step import MAYBE, StepSpec, fits
from argovx_lab.storage.objects import Objects


@dataclass(frozen=True)
class Manifest:
    """A verified manifest.

    Parameters
    ----------
    digest : str
        SHA-256 of its bytes.
    """

    uri: str
    digest: str
    document: dict[str, Any]

    @property
    def outputs(self) -> dict[str, dict[str, Any]]:
        """Name → ``{codec, summary, size_bytes, digest, generation, uri}``."""
        found: dict[str, dict[str, Any]] = self.document["outputs"]
        return found


def verify(objects: Objects, claim: Claim, spec: StepSpec) -> Manifest:
    """Read the manifest and check every output against the bucket.

    Raises
    ------
    OutputsMissing
        When the manifest or an output is absent or different.
    """
    attempt = claim.attempt
    try:
        found = records.read(objects, attempt.bucket, attempt.manifest, records.MANIFEST)
    except RemoteError as error:
        if error.status is not None:
            raise
        raise OutputsMissing(
            "the manifest of the outputs cannot be read", hint="Run the cell again."
        ) from error
    if found is None:
        raise OutputsMissing("the runner wrote no manifest", hint="See the step's log.")
    document, digest = found
    expected = {
        "attempt_key": claim.key,
        "workflow_uid": claim.intent["workflow_uid"],
        "task": claim.intent["task"],
        "step": spec.name,
        "spec_digest": spec.digest,
    }
    wrong = [name for name, value in expected.items() if document.get(name) != value]
    if wrong:
        raise OutputsMissing(f"the manifest is another attempt's: {', '.join(wrong)} differ")
    outputs = document.get("outputs")
    if not isinstance(outputs, dict) or set(outputs) != set(spec.outputs) - _left_out(document, spec):
        there = ", ".join(sorted(outputs)) if isinstance(outputs, dict) else "none"
        raise OutputsMissing(
            f"the outputs are {there or 'none'}, not {', '.join(sorted(spec.outputs)) or 'none'}"
        )
    for name, output in outputs.items():
        _check(objects, attempt, name, output)
        _check_codec(name, output, spec.outputs[name])
    return Manifest(f"gs://{attempt.bucket}/{attempt.manifest}", digest, document)


def _left_out(document: dict[str, Any], spec: StepSpec) -> set[str]:
    """Return the outputs that stayed behind with a reason; only what nobody named may."""
    named = document.get("left_out")
    said = named if isinstance(named, dict) else {}
    return {name for name, codec in spec.outputs.items() if codec == MAYBE and said.get(name)}


def _check_codec(name: str, output: dict[str, Any], declared: str) -> None:
    """Refuse another codec than the declared one."""
    codec = output.get("codec")
    if not isinstance(codec, str) or not fits(declared, codec):
        raise OutputsMissing(f"output {name} is written as {codec!r}, not as {declared!r}")


def _check(objects: Objects, attempt: Attempt, name: str, output: dict[str, Any]) -> None:
    try:
        bucket, path = split_uri(output["uri"])
        generation, size, digest = int(output["generation"]), int(output["size_bytes"]), output["digest"]
    except (KeyError, TypeError, ValueError) as error:
        raise OutputsMissing(f"the manifest says too little of output {name}") from error
    if bucket != attempt.bucket or not path.startswith(attempt.output(name)):
        raise OutputsMissing(f"output {name} lies outside of its folder")
    meta = objects.stat(bucket, path, generation=generation)
    if meta is None:
        raise OutputsMissing(f"output {name} is not in the bucket")
    if meta.size_bytes != size or meta.digest not in ("", digest):
        raise OutputsMissing(f"output {name} is not what the manifest says")
