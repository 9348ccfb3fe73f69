"""gRPC over HTTP/2, unary calls, on top of ASGI's trailers extension.

Owns framing, compression, deadlines and trailers. Streams are refused: no service emulated here has one.
Source: https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md
"""

from __future__ import annotations

import asyncio
import re
import zlib
from collections.abc import Awaitable, Callable

from argovx_lab.sandbox.google.errors import GoogleError
from argovx_lab.sandbox.http import BODY_MAX, BodyTooLarge, Request, Send

_UNITS = {"H": 3600.0, "M": 60.0, "S": 1.0, "m": 1e-3, "u": 1e-6, "n": 1e-9}
_HEADERS = [
    (b"content-type", b"application/grpc"),
    (b"grpc-accept-encoding", b"identity,gzip"),
]
#: A function from the request's message bytes to the answer's.
Unary = Callable[[bytes], Awaitable[bytes]]


def is_grpc(request: Request) -> bool:
    """Say whether this is gRPC and not REST."""
    kind = request.headers.get("content-type", "")
    return request.method == "POST" and kind.partition("+")[0].partition(";")[0] == "application/grpc"


def timeout_s(request: Request) -> float | None:
    """Return the deadline's length in seconds, ``None`` when the client sets none."""
    text = request.headers.get("grpc-timeout", "")
    if not text:
        return None
    found = re.fullmatch(r"(\d{1,8})([HMSmun])", text)
    if found is None:
        raise GoogleError("INTERNAL", f"Invalid grpc-timeout: {text}")
    return int(found[1]) * _UNITS[found[2]]


async def serve(request: Request, send: Send, call: Unary) -> None:
    """Answer one unary call; every :class:`GoogleError` of ``call`` becomes its trailers."""
    body, trailers = b"", [(b"grpc-status", b"0")]
    try:
        async with asyncio.timeout(timeout_s(request)):
            body = _frame(await call(await _message(request)))
    except TimeoutError:
        trailers = GoogleError("DEADLINE_EXCEEDED", "Deadline exceeded").to_trailers()
    except GoogleError as error:
        trailers = error.to_trailers()
    await send({"type": "http.response.start", "status": 200, "headers": _HEADERS, "trailers": True})
    await send({"type": "http.response.body", "body": body, "more_body": False})
    await send({"type": "http.response.trailers", "headers": trailers, "more_trailers": False})


def _frame(message: bytes) -> bytes:
    return b"\0" + len(message).to_bytes(4, "big") + message


async def _message(request: Request) -> bytes:
    """Return the one message of a unary request."""
    try:
        data = await request.read(BODY_MAX + 5)
    except BodyTooLarge as error:
        text = f"Received message larger than max ({BODY_MAX} bytes)"
        raise GoogleError("RESOURCE_EXHAUSTED", text) from error
    if len(data) < 5 or len(data) != 5 + int.from_bytes(data[1:5], "big"):
        raise GoogleError("INTERNAL", "The request is not one complete gRPC message.")
    if data[0] == 0:
        return data[5:]
    encoding = request.headers.get("grpc-encoding", "identity")
    if data[0] != 1 or encoding != "gzip":
        raise GoogleError(
            "UNIMPLEMENTED", f"Compression '{encoding}' is not supported; use identity or gzip."
        )
    return _gunzip(data[5:])


def _gunzip(data: bytes) -> bytes:
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        plain = inflate.decompress(data, BODY_MAX + 1)
    except zlib.error as error:
        raise GoogleError("INTERNAL", "The gzip message cannot be decompressed.") from error
    if len(plain) > BODY_MAX:
        raise GoogleError("RESOURCE_EXHAUSTED", f"Received message larger than max ({BODY_MAX} bytes)")
    return plain
