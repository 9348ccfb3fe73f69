"""Which results of the run are not of what stands in the notebook now, as the kernel can tell.

Asks the notebook's file, which may be older than what is on screen, and the kernel's own values.
"""

from __future__ import annotations

from collections import ChainMap
from collections.abc import Iterable, Iterator, Mapping, MutableMapping
from typing import Any

from argovx_lab import codecs
from argovx_lab.capture.notebook import plan
from argovx_lab.capture.planned import PlannedStep
from argovx_lab.errors import CodecError, SpecError
from argovx_lab.model.run import Node
from argovx_lab.notebook.handles import Handle
from argovx_lab.notebook.lists import HandleList
from argovx_lab.notebook.saved import saved_document
from argovx_lab.notebook.session import Session
from argovx_lab.runs.stale import stale

#: Inputs up to this size are encoded again to be compared. Unit: bytes.
COMPARED_MAX = 1 << 20


def stale_lines(session: Session, namespace: MutableMapping[str, Any]) -> list[str]:
    """Return a line for each step whose result is stale, with the reasons."""
    run = session.path.store.get(session.run_id)
    if run is None:
        return []
    steps = {step.name: step for step in _planned(session) if step.name}
    parts = {name: step.parts for name, step in steps.items()}
    own = {name: step.defaults for name, step in steps.items()}
    found = stale(
        run.nodes, parts, lambda node: _moved(node, ChainMap(dict(own.get(node.id, {})), namespace))
    )
    return [f"stale: {step}: {', '.join(reasons)}" for step, reasons in found.items()]


def _planned(session: Session) -> Iterable[PlannedStep]:
    """Return the steps by the text of the notebook's file."""
    document = saved_document(session.place.file)
    try:
        return plan(document, "").steps if document else ()
    except SpecError:
        return ()


def _moved(node: Node, namespace: Mapping[str, Any]) -> Iterator[str]:
    """Yield the inputs of a step that came from this notebook and have another value here now."""
    for item in node.inputs:
        value = namespace.get(item.name)
        if item.step or item.name not in namespace or isinstance(value, (Handle, HandleList)):
            continue
        if item.size_bytes <= COMPARED_MAX and _digest(value, item.name) not in ("", item.digest):
            yield item.name


def _digest(value: Any, name: str) -> str:
    try:
        encoded = codecs.encode(value, name=name, limit_bytes=COMPARED_MAX)
    except CodecError:
        return ""
    encoded.close()
    return encoded.digest
