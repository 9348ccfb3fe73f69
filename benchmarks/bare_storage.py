"""The floor of the storage benchmark: the sandbox's HTTP framework with nothing behind it.

Answers the vendor's client as Cloud Storage would: bytes that come are counted and dropped, bytes that go are
zeros. Prints the address of its proxy and the path of its CA as one JSON line: ``bare_storage FOLDER``.
"""

import asyncio
import json
import socket
import sys
from pathlib import Path

import trustme
from hypercorn.asyncio import serve
from hypercorn.config import Config

from argovx_lab.sandbox.proxy import Proxy

_CHUNK = bytes(1024 * 1024)


async def app(scope, receive, send):
    """Serve one request."""
    if scope["type"] != "http":
        return
    size = 0
    while True:
        message = await receive()
        size += len(message.get("body", b""))
        if not message.get("more_body"):
            break
    query, headers = scope["query_string"].decode(), dict(scope["headers"])
    if scope["method"] == "GET":
        total = int(scope["path"].rpartition("-")[2])
        await send(_start(200, {"content-length": str(total), "content-type": "application/octet-stream"}))
        while total > 0:
            await send({"type": "http.response.body", "body": _CHUNK[:total], "more_body": True})
            total -= len(_CHUNK)
        await send({"type": "http.response.body", "body": b""})
        return
    place = f"https://{headers[b'host'].decode()}/upload?upload_id=1"
    opens = "uploadType=resumable" in query
    first, _, last = headers.get(b"content-range", b"").decode().partition("/")
    end = int(first.rpartition("-")[2]) + 1 if "-" in first else 0
    if (end and last in ("*", "")) or (end and end < int(last)):
        await send(_start(308, {"range": f"bytes=0-{end - 1}", "content-length": "0"}))
        await send({"type": "http.response.body", "body": b""})
        return
    body = json.dumps({"name": "a", "bucket": "b", "size": str(size), "generation": "1"}).encode()
    more = {"location": place} if opens else {}
    await send(_start(200, {"content-type": "application/json", "content-length": str(len(body)), **more}))
    await send({"type": "http.response.body", "body": body})


def _start(status, headers):
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    return {"type": "http.response.start", "status": status, "headers": pairs}


async def main(folder):
    """Serve until the process ends."""
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    ca.issue_cert("*.googleapis.com").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    config = Config()
    config.bind = [f"127.0.0.1:{port}"]
    config.certfile = config.keyfile = str(folder / "server.pem")
    config.accesslog = config.errorlog = None
    config.h11_max_incomplete_size = 64 * 1024
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    bound.listen()
    await Proxy(("127.0.0.1", port)).start(bound)
    print(json.dumps([f"http://127.0.0.1:{bound.getsockname()[1]}", str(folder / "ca.pem")]), flush=True)
    await serve(app, config)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
