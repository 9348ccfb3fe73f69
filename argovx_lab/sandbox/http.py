"""The little HTTP that both API servers of the sandbox share, on top of ASGI.

Owns request parsing (sizes are capped) and response sending; knows nothing of Kubernetes or Google.
Source: https://asgi.readthedocs.io/en/latest/specs/www.html
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Scope, Receive, Send], Awaitable[None]]

#: Largest body that is read into memory. Kubernetes takes 3 MiB, Google's JSON APIs 10 MiB. Unit: bytes.
BODY_MAX = 10 * 1024 * 1024


class BodyTooLarge(Exception):
    """The body is longer than the caller allows; the caller maps it to its own error."""


class ClientGone(Exception):
    """The client closed the connection before the body was complete."""


@dataclass
class Request:
    """One HTTP request.

    Parameters
    ----------
    path : str
        Decoded path; ``raw_path`` keeps the percent signs, which object names need.
    query : list of tuple
        Pairs in order; a key may repeat.
    headers : dict
        Lower-case names; a repeated header is joined with ``", "``.
    scheme : str
        ``https``, or ``http`` on a plaintext connection.
    """

    method: str
    path: str
    raw_path: str
    query: list[tuple[str, str]]
    headers: dict[str, str]
    host: str
    receive: Receive
    client: str = ""
    scheme: str = "https"

    @classmethod
    def of(cls, scope: Scope, receive: Receive) -> Request:
        """Build a request from an ASGI scope."""
        headers: dict[str, str] = {}
        for name, value in scope["headers"]:
            key, text = name.decode("latin-1").lower(), value.decode("latin-1")
            headers[key] = f"{headers[key]}, {text}" if key in headers else text
        raw = scope.get("raw_path") or scope["path"].encode()
        return cls(
            method=scope["method"],
            path=unquote(raw.decode("latin-1")),
            raw_path=raw.decode("latin-1"),
            query=parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True),
            headers=headers,
            host=headers.get(":authority") or headers.get("host", ""),
            receive=receive,
            client=str((scope.get("client") or ("",))[0]),
            scheme=scope.get("scheme", "https"),
        )

    def param(self, name: str, default: str = "") -> str:
        """Return the last value of a query parameter."""
        return next((value for key, value in reversed(self.query) if key == name), default)

    @property
    def bearer(self) -> str:
        """The bearer token, or the empty string."""
        scheme, _, token = self.headers.get("authorization", "").partition(" ")
        return token.strip() if scheme.lower() == "bearer" else ""

    async def chunks(self) -> AsyncIterator[bytes]:
        """Yield the body as it arrives."""
        while True:
            message = await self.receive()
            if message["type"] == "http.disconnect":
                raise ClientGone
            if message.get("body"):
                yield message["body"]
            if not message.get("more_body"):
                return

    async def read(self, limit: int = BODY_MAX) -> bytes:
        """Return the whole body; more than ``limit`` bytes raise :class:`BodyTooLarge`."""
        parts, size = [], 0
        async for chunk in self.chunks():
            size += len(chunk)
            if size > limit:
                raise BodyTooLarge
            parts.append(chunk)
        return b"".join(parts)


@dataclass
class Response:
    """An answer; ``body`` is bytes, or an async iterator for a stream."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | AsyncIterator[bytes] = b""

    async def send(self, send: Send) -> None:
        """Send it; a stream is closed when the client goes away."""
        headers = dict(self.headers)
        if isinstance(self.body, bytes):
            headers.setdefault("content-length", str(len(self.body)))
        pairs = [(k.lower().encode("latin-1"), v.encode("latin-1")) for k, v in headers.items()]
        await send({"type": "http.response.start", "status": self.status, "headers": pairs})
        if isinstance(self.body, bytes):
            await send({"type": "http.response.body", "body": self.body})
            return
        async for chunk in self.body:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def json_response(value: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return ``value`` as a JSON answer."""
    body = json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode()
    return Response(status, {"content-type": "application/json", **(headers or {})}, body)
