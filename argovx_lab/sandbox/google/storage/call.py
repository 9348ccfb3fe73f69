"""One request to Cloud Storage, taken apart: who calls, the names in its path, its checked parameters."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from argovx_lab.sandbox.google.storage import fields
from argovx_lab.sandbox.google.storage.access import Access
from argovx_lab.sandbox.google.storage.errors import invalid
from argovx_lab.sandbox.google.storage.preconditions import number
from argovx_lab.sandbox.google.storage.props import parse
from argovx_lab.sandbox.http import BodyTooLarge, Request, Response, json_response

#: Resources are small. Unit: bytes.
_JSON_MAX = 1024 * 1024


@dataclass(frozen=True)
class Call:
    """A request with everything a method needs.

    Parameters
    ----------
    request : Request
        As it came.
    access : Access
        Checks its caller.
    names : tuple of str
        Decoded names out of the path, in order.
    params : mapping
        Query parameters, of which each is one that the method knows.
    """

    request: Request
    access: Access
    names: tuple[str, ...]
    params: Mapping[str, str]

    def number(self, name: str) -> int | None:
        """Return a whole-number parameter, ``None`` when absent; anything else is 400."""
        return number(name, self.params.get(name))

    def flag(self, name: str) -> bool:
        """Return a boolean parameter; anything but true and false is 400."""
        text = self.params.get(name, "false").lower()
        if text not in ("true", "false"):
            raise invalid(f"Invalid boolean value: '{text[:40]}'.", name)
        return text == "true"

    def limit(self, largest: int, name: str = "maxResults") -> int:
        """Return the page size that a parameter asks for, capped as Google caps it."""
        wanted = self.number(name)
        if wanted == 0:
            raise invalid(f"{name} must be at least 1.", name)
        return largest if wanted is None else min(wanted, largest)

    async def json(self) -> dict[str, object]:
        """Return the body as a JSON object; an empty body is an empty object."""
        return parse(await self.body())

    async def body(self) -> bytes:
        """Return the body; 413 when it is larger than any resource."""
        try:
            return await self.request.read(_JSON_MAX)
        except BodyTooLarge:
            raise invalid(f"The request body is longer than {_JSON_MAX} bytes.") from None

    def answer(self, value: dict[str, object], status: int = 200) -> Response:
        """Return a JSON answer, reduced to what ``fields`` asks for."""
        if mask := self.params.get("fields"):
            value = fields.select(value, fields.parse(mask))
        return json_response(value, status)
