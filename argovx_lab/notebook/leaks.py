"""Secrets in what a step would send: its cell, the definitions that travel along, and small inputs.

Refuses them by kind and place, never by value; the user may send them all the same, which is recorded.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from argovx_lab.capture import secrets
from argovx_lab.errors import SpecError
from argovx_lab.notebook.inputs import Bound

#: Largest input that is searched. Unit: bytes. Reason: what people assign by hand is short.
INPUT_MAX = 1 << 20


def check(document: dict[str, Any], inputs: Iterable[Bound], *, allowed: bool) -> tuple[str, ...]:
    """Return what was found and is sent because the user allows it, as ``place: kind``.

    Raises
    ------
    SpecError
        For the first finding, when it is not allowed.
    """
    found = _of_text(document["cell"], "")
    for code in document["definitions"]:
        found += _of_text(code["code"], f"cell {code['number']}, ")
    _refuse(found, allowed)
    return (*found, *of_inputs(inputs, allowed=allowed))


def of_inputs(inputs: Iterable[Bound], *, allowed: bool) -> tuple[str, ...]:
    """Return what was found in inputs alone; see :func:`check`."""
    found = []
    for item in inputs:
        hits = secrets.find(_text(item))
        found += [f"input {item.name}: {secrets.kinds(hits)}"] if hits else []
    _refuse(found, allowed)
    return tuple(found)


def _refuse(found: list[str], allowed: bool) -> None:
    if found and not allowed:
        raise SpecError(f"this would send what looks like a secret: {found[0]}", hint=secrets.HINT)


def _of_text(text: str, place: str) -> list[str]:
    return [f"{place}line {hit.line}, column {hit.column}: {hit.kind}" for hit in secrets.find(text)]


def _text(item: Bound) -> str:
    if item.encoded is None or item.encoded.size_bytes > INPUT_MAX:
        return ""
    return b"".join(item.encoded.chunks()).decode(errors="ignore")
