"""Pages: page sizes, page tokens, and read masks.

A token remembers the last item that was sent and a digest of the rest of the request, so that items created
between two pages shift nothing, and a token used with another filter is refused.
Source: https://google.aip.dev/158, https://google.aip.dev/157
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from argovx_lab.sandbox.google.errors import invalid


def page(
    items: Sequence[dict[str, Any]], message: Mapping[str, Any], *, default: int = 100, most: int = 1000
) -> tuple[list[dict[str, Any]], str]:
    """Return one page of ``items`` (which have a ``name``) and the next page's token, empty at the end.

    Parameters
    ----------
    message : mapping
        The list request: ``page_size``, ``page_token`` and what else decides the list.
    default, most : int
        Page size when the request names none, and the largest that is honoured.
    """
    size = int(message.get("page_size") or 0)
    if size < 0:
        raise invalid(f"page_size must not be negative, but is {size}.", ["page_size"])
    size = min(size or default, most)
    mark = _mark(message)
    start = 0
    if token := message.get("page_token"):
        last, position = _read(token, mark)
        names = [item["name"] for item in items]
        # the item may be gone: then its old place is the best guess
        start = names.index(last) + 1 if last in names else min(position, len(names))
    chosen = list(items[start : start + size])
    end = start + len(chosen)
    if end >= len(items) or not chosen:
        return chosen, ""
    return chosen, _write(chosen[-1]["name"], end, mark)


def _mark(message: Mapping[str, Any]) -> str:
    rest = {k: v for k, v in message.items() if k not in ("page_size", "page_token", "read_mask")}
    return hashlib.sha256(json.dumps(rest, sort_keys=True).encode()).hexdigest()[:12]


def _write(last: str, position: int, mark: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([last, position, mark]).encode()).decode().rstrip("=")


def _read(token: str, mark: str) -> tuple[str, int]:
    try:
        last, position, theirs = json.loads(base64.urlsafe_b64decode(token + "=" * (-len(token) % 4)))
        found = str(last), int(position)
    except (ValueError, TypeError) as error:
        raise invalid("The page token is not valid.", ["page_token"]) from error
    if theirs != mark:
        raise invalid("The page token belongs to a request with other parameters.", ["page_token"])
    return found


def masked(document: dict[str, Any], mask: Sequence[str] | None, known: Sequence[str]) -> dict[str, Any]:
    """Return the part of ``document`` that a read mask names; no mask or ``*``: the document itself."""
    if not mask or "*" in mask:
        return document
    found: dict[str, Any] = {}
    for path in mask:
        head, *rest = path.split(".")
        if head not in known:
            raise invalid(f"Invalid field mask: unknown field '{path}'.", ["read_mask"])
        value: Any = document.get(head)
        target = found
        for part in rest:
            target = target.setdefault(head, {})
            head, value = part, value.get(part) if isinstance(value, Mapping) else None
        if value is not None:
            target[head] = value
    return found
