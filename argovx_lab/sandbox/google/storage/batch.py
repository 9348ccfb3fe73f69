"""``/batch/storage/v1``: up to a hundred requests in one multipart body, each answered for itself.

Source: https://cloud.google.com/storage/docs/batch
"""

from __future__ import annotations

import re
import secrets
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, unquote

from argovx_lab.sandbox.google.storage.errors import invalid
from argovx_lab.sandbox.google.storage.multipart import boundary
from argovx_lab.sandbox.http import BodyTooLarge, Message, Request, Response

#: Source: the page above.
CALLS_MAX: Final = 100
_LINE = re.compile(r"([A-Z]+) (\S+) HTTP/1\.[01]\Z")


async def run(request: Request, handle: Callable[[Request], Awaitable[Response]]) -> Response:
    """Answer a batch with a batch.

    Raises
    ------
    StorageError
        400, when the batch itself cannot be read.
    """
    mark = b"--" + boundary(request.headers.get("content-type", "")).encode("latin-1", "replace")
    try:
        body = await request.read()
    except BodyTooLarge:
        raise invalid("The batch is too large.") from None
    parts = [part.strip(b"\r\n") for part in body.replace(b"\r\n", b"\n").split(mark)[1:-1]]
    if not 1 <= len(parts) <= CALLS_MAX:
        raise invalid(f"A batch holds 1 to {CALLS_MAX} calls, not {len(parts)}.")
    out, answer = [], f"batch_{secrets.token_hex(12)}"
    for part in parts:
        outer, _, inner = part.lstrip(b"\n").partition(b"\n\n")
        content_id = _headers(outer.decode("latin-1")).get("content-id", "<>")
        response = await handle(_inner(request, inner))
        body = response.body if isinstance(response.body, bytes) else await _joined(response)
        out.append(_part(answer, content_id, response, body))
    out.append(f"--{answer}--\r\n".encode())
    return Response(200, {"content-type": f"multipart/mixed; boundary={answer}"}, b"".join(out))


def _inner(request: Request, text: bytes) -> Request:
    """Return the request inside one part; it has the outer caller unless it names its own."""
    head, _, body = text.partition(b"\n\n")
    line, _, rest = head.decode("latin-1").partition("\n")
    match = _LINE.match(line.strip())
    if match is None:
        raise invalid(f"A part of the batch is not a request: {line[:60]!r}.")
    verb, target = match.groups()
    path, _, query = re.sub(r"^https?://[^/]+", "", target).partition("?")
    if path.startswith(("/batch", "/upload")) or "alt=media" in query:
        raise invalid("Batches hold no batches, uploads or downloads.")
    headers = {"content-length": str(len(body)), **_headers(rest)}
    if "authorization" in request.headers:
        headers.setdefault("authorization", request.headers["authorization"])

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    pairs = parse_qsl(query, keep_blank_values=True)
    return Request(verb, unquote(path), path, pairs, headers, request.host, receive, request.client)


def _headers(text: str) -> dict[str, str]:
    pairs = (line.partition(":") for line in text.splitlines() if ":" in line)
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


def _part(mark: str, content_id: str, response: Response, body: bytes) -> bytes:
    reason = HTTPStatus(response.status).phrase if response.status in set(HTTPStatus) else ""
    headers = {"content-length": str(len(body)), **response.headers}
    lines = [f"{name.title()}: {value}" for name, value in headers.items()]
    reply_to = content_id.strip("<>")
    head = (
        f"--{mark}\r\nContent-Type: application/http\r\nContent-ID: <response-{reply_to}>\r\n\r\n"
        f"HTTP/1.1 {response.status} {reason}\r\n" + "\r\n".join(lines) + "\r\n\r\n"
    )
    return head.encode("latin-1") + body + b"\r\n"


async def _joined(response: Response) -> bytes:
    assert not isinstance(response.body, bytes)
    return b"".join([chunk async for chunk in response.body])
