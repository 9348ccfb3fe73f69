"""What a failed cell had assigned: found, checked and brought here under names that say what it is.

Owns the reading of ``argovx.partial/1``. Refuses objects outside of the attempt's own folder, other bytes
than were written down, and a pickle that nobody declared. No partial value gets the output's own name.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from argovx_lab import codecs
from argovx_lab.errors import ArgovxError, NotFound, OutputsMissing, PolicyDenied, shorten
from argovx_lab.model.layout import Attempt, split_uri
from argovx_lab.model.step import AUTO, fits
from argovx_lab.storage.objects import Objects

SCHEMA = "argovx.partial/1"

#: What a partial value's name ends in.
SUFFIX = "_partial"


@dataclass(frozen=True)
class Partial:
    """What one life of a failed cell had assigned.

    Parameters
    ----------
    folder : str
        URI of that life's folder; its objects lie below ``out/``.
    error : str
        Why the cell failed, in one line.
    outputs : dict
        Name → ``{codec, summary, size_bytes, digest, generation, uri}``.
    left_out : dict
        Name → why it could not be kept.
    """

    folder: str
    error: str
    outputs: Mapping[str, Mapping[str, Any]]
    left_out: Mapping[str, str]

    def offer(self, step: str) -> str:
        """Return one line that says how to have it."""
        names = ", ".join(self.outputs)
        bound = ", ".join(name + SUFFIX for name in self.outputs)
        return (
            f"before it failed, {step} had assigned {names}; %argovx pull {step} brings that here as {bound}"
        )

    def value(self, objects: Objects, name: str, declared: str) -> Any:
        """Bring one value here.

        Raises
        ------
        OutputsMissing
            When its bytes are gone, or are not those that were written down.
        PolicyDenied
            When it lies elsewhere or is written in another way than was declared.
        """
        try:
            entry = self.outputs[name]
            uri, digest, codec = str(entry["uri"]), str(entry["digest"]), str(entry["codec"])
        except (KeyError, TypeError) as error:
            raise OutputsMissing(f"the record of {name} says too little of it") from error
        if uri != f"{self.folder}out/{name}/data":
            raise PolicyDenied(f"the partial {name} lies outside of its own folder", hint="Do not use it.")
        if not fits(declared or AUTO, codec):
            raise PolicyDenied(f"the partial {name} is {codec}, but was declared {declared}")
        try:
            data = objects.get(*split_uri(uri))
        except NotFound as error:
            raise OutputsMissing(f"the partial {name} is gone from the bucket") from error
        if hashlib.sha256(data).hexdigest() != digest:
            raise OutputsMissing(f"the partial {name} is not what was written down; somebody has changed it")
        return codecs.decode(data, codec, name=f"the partial {name}")


def find(objects: Objects, attempt: Attempt, root: str) -> Partial | None:
    """Return what the newest life of an attempt left when it failed, or ``None``.

    Parameters
    ----------
    root : str
        The user's own folder, with its closing slash: an attempt that adopted a job follows its intent there.
    """
    attempt = _followed(objects, attempt, root)
    lives = (
        name.removesuffix("/").rpartition("/")[2] for name in objects.folders(attempt.bucket, attempt.folder)
    )
    primary = [life[3:] for life in lives if life.startswith("r0.")]
    for restart in sorted((int(number) for number in primary if number.isdecimal()), reverse=True):
        found = _read(objects, attempt, attempt.replica(0, restart))
        if found is not None:
            return found
    return None


def offer(objects: Objects, attempt_uri: str, root: str, step: str) -> tuple[str, ...]:
    """Return a line on what a failed step had assigned; nothing where there is none or it cannot be read."""
    if not attempt_uri:
        return ()
    try:
        bucket, folder = split_uri(attempt_uri)
        found = find(objects, Attempt(bucket, folder), root)
    except ArgovxError:
        return ()  # the failure itself is what the user must see
    return (found.offer(step),) if found is not None and found.outputs else ()


def _followed(objects: Objects, attempt: Attempt, root: str) -> Attempt:
    prefix = str(_document(objects, attempt.bucket, attempt.intent).get("prefix") or attempt.uri)
    bucket, folder = split_uri(prefix)
    inside = bucket == attempt.bucket and folder.startswith(root) and folder.endswith("/")
    return Attempt(bucket, folder) if inside and ".." not in folder.split("/") else attempt


def _read(objects: Objects, attempt: Attempt, folder: str) -> Partial | None:
    document = _document(objects, attempt.bucket, folder + "manifest-partial.json")
    outputs, left_out = document.get("outputs"), document.get("left_out")
    if document.get("schema") != SCHEMA or not isinstance(outputs, dict):
        return None
    error = document.get("error")
    said = error if isinstance(error, dict) else {}
    text = f"{said.get('type', 'Error')}: {said.get('message', '')}".rstrip(": ")
    place = f" · {said['place']}" if said.get("place") else ""
    return Partial(
        folder=f"gs://{attempt.bucket}/{folder}",
        error=shorten(text + place),
        outputs={
            name: entry for name, entry in outputs.items() if name.isidentifier() and isinstance(entry, dict)
        },
        left_out={str(k): shorten(str(v)) for k, v in left_out.items()} if isinstance(left_out, dict) else {},
    )


def _document(objects: Objects, bucket: str, name: str) -> dict[str, Any]:
    try:
        found = json.loads(objects.get(bucket, name))
    except (NotFound, ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
