"""The documents a step is made of, read strictly: intent, step and source.

Refuses other schemas, missing fields and fields of another type, each by name. Knows nothing of the
classes in ``model``: the runner travels without them.
"""

from __future__ import annotations

import json
import os
import re
import sys
from dataclasses import dataclass
from typing import Any

from argovx_lab.errors import SpecError
from argovx_lab.runner import INTENT, SOURCE, STEP

_AGAIN = "Submit the cell again with this version of argovx-lab."
_DIGEST = re.compile(r"[0-9a-f]{64}\Z", re.ASCII)


@dataclass(frozen=True)
class Blob:
    """An encoded value or document in the bucket."""

    uri: str
    digest: str
    codec: str = ""
    generation: str = ""


@dataclass(frozen=True)
class Intent:
    """What the launcher wrote down before it created the job."""

    attempt_key: str
    workflow_uid: str
    task: str
    spec: Blob
    inputs: dict[str, Blob]
    outputs: dict[str, str]
    prefix: str
    ordinal: int = 0
    workflow: str = ""
    namespace: str = ""
    user: str = ""


@dataclass(frozen=True)
class Step:
    """The part of a StepSpec that the runner honours."""

    name: str
    source: Blob
    requirements: tuple[str, ...]
    python: str
    outputs: dict[str, str]
    inputs: tuple[str, ...]


@dataclass(frozen=True)
class Code:
    """One piece of source text, the file name it runs under, and the cell it came from."""

    filename: str
    label: str
    text: str


@dataclass(frozen=True)
class SourceDocument:
    """The cell and the definitions that run before it."""

    cell: Code
    definitions: tuple[Code, ...]
    notebook: str = ""


def intent(data: bytes) -> Intent:
    """Read ``intent.json``."""
    doc = _document(data, INTENT)
    prefix = _text(doc, "prefix", INTENT)
    if not (prefix.startswith("gs://") and prefix.endswith("/")):
        raise SpecError("%s has the prefix %.80r, not gs://…/" % (INTENT, prefix))
    return Intent(
        attempt_key=_text(doc, "attempt_key", INTENT),
        workflow_uid=_text(doc, "workflow_uid", INTENT),
        task=_text(doc, "task", INTENT),
        spec=_blob(_dict(doc, "spec", INTENT), INTENT),
        inputs={k: _blob(v, INTENT, coded=True) for k, v in _dict(doc, "inputs", INTENT).items()},
        outputs=_codecs(_dict(doc, "outputs", INTENT), INTENT),
        prefix=prefix,
        ordinal=_count(doc, "ordinal", INTENT),
        workflow=str(doc.get("workflow") or ""),
        namespace=str(doc.get("namespace") or ""),
        user=str(doc.get("user") or ""),
    )


def step(data: bytes) -> Step:
    """Read the step document, as far as the runner honours it."""
    doc = _document(data, STEP)
    env = _dict(doc, "environment", STEP)
    requirements = env.get("requirements") or []
    if not isinstance(requirements, list) or not all(isinstance(r, str) for r in requirements):
        raise SpecError("%s has requirements that are not a list of text" % STEP, hint=_AGAIN)
    return Step(
        name=_text(doc, "name", STEP),
        source=_blob(_dict(doc, "source", STEP), STEP),
        requirements=tuple(requirements),
        python=str(env.get("python") or ""),
        outputs=_codecs(_dict(doc, "outputs", STEP), STEP),
        inputs=tuple(_dict(doc, "inputs", STEP)),
    )


def source(data: bytes) -> SourceDocument:
    """Read the source document."""
    doc = _document(data, SOURCE)
    notebook = os.path.basename(str(doc.get("notebook") or ""))
    number = _count(doc, "cell_number", SOURCE)
    label = "cell %d" % number if number else "cell"
    cell = Code(_text(doc, "filename", SOURCE), label, _text(doc, "cell", SOURCE))
    entries = doc.get("definitions") or []
    if not isinstance(entries, list):
        raise SpecError("%s has definitions that are not a list" % SOURCE, hint=_AGAIN)
    definitions = tuple(_definition(entry, notebook, i) for i, entry in enumerate(entries))
    return SourceDocument(cell, definitions, notebook)


def agree(intent: Intent, step: Step) -> None:
    """Refuse an intent and a step of other inputs or outputs, and pickles between two Pythons."""
    if set(step.inputs) != set(intent.inputs) or step.outputs != intent.outputs:
        raise SpecError("intent and step name different inputs or outputs", hint="Submit the cell again.")
    here = "%d.%d" % sys.version_info[:2]
    pickled = [n for n, blob in intent.inputs.items() if blob.codec == "pickle"]
    pickled += [n for n, codec in step.outputs.items() if codec == "pickle"]
    if pickled and step.python and step.python != here:
        raise SpecError(
            "%s travels as pickle, the notebook runs Python %s and the image %s"
            % (pickled[0], step.python, here),
            hint="Use an image with Python %s, or another codec." % step.python,
        )


def _definition(entry: Any, notebook: str, index: int) -> Code:
    if not isinstance(entry, dict):
        raise SpecError("%s has a definition that is not an object" % SOURCE, hint=_AGAIN)
    number = _count(entry, "number", SOURCE)
    label = "cell %d" % number if number else "definition %d" % (index + 1)
    return Code(("%s %s" % (notebook, label)).strip(), label, _text(entry, "code", SOURCE))


def _document(data: bytes, schema: str) -> dict[str, Any]:
    try:
        doc = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise SpecError("the %s document is not JSON" % schema) from error
    if not isinstance(doc, dict) or doc.get("schema") != schema:
        found = doc.get("schema") if isinstance(doc, dict) else None
        raise SpecError("this runner reads %s, not %.40r" % (schema, found), hint=_AGAIN)
    return doc


def _blob(doc: Any, schema: str, coded: bool = False) -> Blob:
    if not isinstance(doc, dict):
        raise SpecError("%s has a reference that is not an object" % schema, hint=_AGAIN)
    digest = _text(doc, "digest", schema)
    if not _DIGEST.match(digest):
        raise SpecError("%s has the digest %.80r, not SHA-256" % (schema, digest), hint=_AGAIN)
    codec = _text(doc, "codec", schema) if coded else ""
    generation = str(doc.get("generation") or "")
    generation = "" if generation == "0" else generation
    if generation and not generation.isdigit():
        raise SpecError("%s has the generation %.40r" % (schema, generation), hint=_AGAIN)
    return Blob(_text(doc, "uri", schema), digest, codec, generation)


def _codecs(doc: dict[str, Any], schema: str) -> dict[str, str]:
    for name, codec in doc.items():
        if not name.isidentifier() or not isinstance(codec, str):
            raise SpecError("%s has the output %.40r: %.40r" % (schema, name, codec), hint=_AGAIN)
    return dict(doc)


def _text(doc: dict[str, Any], key: str, schema: str) -> str:
    value = doc.get(key)
    if not isinstance(value, str) or not value:
        raise SpecError("%s lacks %r" % (schema, key), hint=_AGAIN)
    return value


def _count(doc: dict[str, Any], key: str, schema: str) -> int:
    value = doc.get(key) or 0
    if type(value) is not int or value < 0:
        raise SpecError("%s has %.40r as %r" % (schema, value, key), hint=_AGAIN)
    return value


def _dict(doc: dict[str, Any], key: str, schema: str) -> dict[str, Any]:
    value = doc.get(key)
    if not isinstance(value, dict):
        raise SpecError("%s lacks the object %r" % (schema, key), hint=_AGAIN)
    return value
