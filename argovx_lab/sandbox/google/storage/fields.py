"""Partial responses: the ``fields`` query parameter.

Source: https://cloud.google.com/storage/docs/json_api#partial-response
"""

from __future__ import annotations

import re
from typing import Any

from argovx_lab.sandbox.google.storage.errors import StorageError, invalid

Mask = dict[str, "Mask"]

_TOKEN = re.compile(r"[A-Za-z0-9_\-@.]+|[*/(),]")


def parse(text: str) -> Mask:
    """Return a mask as a tree; an empty subtree means "all of it".

    Raises
    ------
    StorageError
        400, when the text is not a field mask.
    """
    tokens = _TOKEN.findall(text)
    if "".join(tokens) != "".join(text.split()) or not tokens or len(tokens) > 500:
        raise _bad(text)
    mask, at = _list(tokens, 0, text, 0)
    if at != len(tokens):
        raise _bad(text)
    return mask


def _list(tokens: list[str], at: int, text: str, depth: int) -> tuple[Mask, int]:
    mask: Mask = {}
    if depth > 10:
        raise _bad(text)
    while True:
        at = _item(tokens, at, text, mask, depth)
        if at >= len(tokens) or tokens[at] != ",":
            return mask, at
        at += 1


def _item(tokens: list[str], at: int, text: str, mask: Mask, depth: int) -> int:
    node = mask
    while True:
        if at >= len(tokens) or tokens[at] in "/(),":
            raise _bad(text)
        node = node.setdefault(tokens[at], {})
        at += 1
        if at < len(tokens) and tokens[at] == "/":
            at += 1
            continue
        if at < len(tokens) and tokens[at] == "(":
            inner, at = _list(tokens, at + 1, text, depth + 1)
            if at >= len(tokens) or tokens[at] != ")":
                raise _bad(text)
            node.update(inner)
            at += 1
        return at


def _bad(text: str) -> StorageError:
    return invalid(f"Invalid field selection {text[:80]}", "fields")


def select(value: Any, mask: Mask) -> Any:
    """Return the parts of a JSON value that a mask names."""
    if not mask:
        return value
    if isinstance(value, list):
        return [select(item, mask) for item in value]
    if not isinstance(value, dict):
        return value
    if "*" in mask:
        return {name: select(child, mask.get(name, mask["*"])) for name, child in value.items()}
    return {name: select(child, mask[name]) for name, child in value.items() if name in mask}
