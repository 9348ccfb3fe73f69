"""A metadata server and Cloud Storage on loopback: TLS behind a CONNECT proxy, preconditions, faults."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import ssl
import threading
import urllib.parse
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import google_crc32c
import trustme

#: What a fault may be besides an HTTP status; with the first three the work is done.
LOST, CUT, GARBLED, BUSY_AND_CUT = -1, -2, -3, -4

TOKEN = "ya29.canary-token-of-the-tests"


class Cloud:
    """State of the stub: objects by ``bucket/name``, faults, and every request seen."""

    def __init__(self, folder: Path) -> None:
        self.objects: dict[str, tuple[bytes, int]] = {}
        self.requests: list[tuple[str, str]] = []
        self.sessions: dict[str, tuple[str, dict[str, str], bytearray]] = {}
        self.fault: Callable[[str, str], int | None] = lambda method, path: None
        self.lock = threading.Lock()
        self.generation = 1000
        self.tokens = 0
        ca = trustme.CA()
        self.ca = folder / "ca.pem"
        ca.cert_pem.write_to_path(str(self.ca))
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        ca.issue_cert("storage.googleapis.com").configure_cert(self.context)
        self.servers = [ThreadingHTTPServer(("127.0.0.1", 0), kind) for kind in (_Metadata, _Proxy)]
        for server in self.servers:
            server.cloud = self
            server.daemon_threads = True
            threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        for server in self.servers:
            server.shutdown()
            server.server_close()

    @property
    def environment(self) -> dict[str, str]:
        metadata, proxy = (f"127.0.0.1:{server.server_address[1]}" for server in self.servers)
        return {
            "GCE_METADATA_HOST": f"{metadata}/job/7",
            "HTTPS_PROXY": f"http://{proxy}",
            "SSL_CERT_FILE": str(self.ca),
        }

    def put(self, uri: str, data: bytes) -> str:
        with self.lock:
            self.generation += 1
            self.objects[uri] = (data, self.generation)
        return hashlib.sha256(data).hexdigest()

    def get(self, uri: str) -> bytes:
        with self.lock:
            return self.objects[uri][0]

    def names(self, prefix: str) -> list[str]:
        with self.lock:
            return sorted(name for name in self.objects if name.startswith(prefix))

    def events(self, folder: str) -> list[dict[str, Any]]:
        data = b"".join(self.get(name) for name in self.names(f"{folder}events/"))
        return [json.loads(line) for line in data.splitlines()]

    def logs(self, folder: str) -> bytes:
        return b"".join(self.get(name) for name in self.names(f"{folder}logs/"))


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args: Any) -> None:
        del args

    def answer(self, status: int, body: bytes, **headers: str) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class _Metadata(_Handler):
    def do_GET(self) -> None:
        cloud: Cloud = self.server.cloud
        wanted = "/job/7/computeMetadata/v1/instance/service-accounts/default/token"
        if self.path != wanted or self.headers.get("Metadata-Flavor") != "Google":
            self.answer(403, b"{}")
            return
        cloud.tokens += 1
        body = json.dumps({"access_token": TOKEN, "expires_in": 3599, "token_type": "Bearer"}).encode()
        self.answer(200, body, Metadata_Flavor="Google", Content_Type="application/json")


class _Proxy(_Handler):
    def do_CONNECT(self) -> None:
        if self.path != "storage.googleapis.com:443":
            self.answer(403, b"only storage is here")
            return
        self.send_response(200)
        self.end_headers()
        cloud: Cloud = self.server.cloud
        try:
            inner = cloud.context.wrap_socket(self.connection, server_side=True)
        except (ssl.SSLError, OSError):
            return
        try:
            _Storage(inner, self.client_address, self.server)
        except OSError:
            pass
        finally:
            self.close_connection = True
            inner.close()


class _Storage(_Handler):
    def do_GET(self) -> None:
        self._serve("GET", b"")

    def do_PUT(self) -> None:
        self._serve("PUT", self.rfile.read(int(self.headers["Content-Length"])))

    def do_DELETE(self) -> None:
        self._serve("DELETE", b"")

    def do_POST(self) -> None:
        self._serve("POST", self.rfile.read(int(self.headers["Content-Length"])))

    def _serve(self, method: str, body: bytes) -> None:
        cloud: Cloud = self.server.cloud
        cloud.requests.append((method, self.path))
        if self.headers.get("Authorization") != f"Bearer {TOKEN}":
            self.answer(401, b"{}")
            return
        status = cloud.fault(method, self.path)
        if status is not None and status > 0:
            self.answer(status, b'{"error": {"message": "fault"}}')
            return
        if status == BUSY_AND_CUT:
            self._cut(status, b"later")
            return
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        if method == "DELETE":
            answer = self._delete(parts.path)
        elif method == "PUT":
            self._feed(query, body, status)
            return
        elif query.get("uploadType") == "resumable":
            self._begin(parts.path, query)
            return
        elif method == "GET":
            answer = self._get(parts.path, query)
        else:
            answer = self._create(parts.path, query, body)
        if status == GARBLED:
            self.answer(200, b"<html>signed out</html>")
        elif status is not None:
            self._cut(status, answer[1])
        else:
            self.answer(*answer)

    def _cut(self, status: int, body: bytes) -> None:
        if status != LOST:
            self.send_response(200 if status == CUT else 503)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body[:-1])
        self.close_connection = True
        self.connection.shutdown(socket.SHUT_RDWR)

    def _get(self, path: str, query: dict[str, str]) -> tuple[int, bytes]:
        if path.endswith("/o"):
            return self._list(path.split("/")[4], query)
        _, _, _, _, bucket, _, name = path.split("/", 6)
        uri = f"gs://{bucket}/{urllib.parse.unquote(name)}"
        with self.server.cloud.lock:
            found = self.server.cloud.objects.get(uri)
        if found is None or ("generation" in query and int(query["generation"]) != found[1]):
            return 404, b'{"error": {"message": "No such object"}}'
        return (200, found[0]) if query.get("alt") == "media" else (200, _meta(uri, *found))

    def _create(self, path: str, query: dict[str, str], body: bytes) -> tuple[int, bytes]:
        assert path.startswith("/upload/storage/v1/b/")
        uri = f"gs://{path.split('/')[5]}/{query['name']}"
        expected = int(query["ifGenerationMatch"])
        assert expected == 0 or uri.endswith("/index.json"), "nothing but a checkpoint's index is overwritten"
        cloud: Cloud = self.server.cloud
        with cloud.lock:
            if cloud.objects.get(uri, (b"", 0))[1] != expected:
                return 412, b'{"error": {"message": "conditionNotMet"}}'
            cloud.generation += 1
            cloud.objects[uri] = (body, cloud.generation)
            return 200, _meta(uri, body, cloud.generation)

    def _begin(self, path: str, query: dict[str, str]) -> None:
        cloud: Cloud = self.server.cloud
        with cloud.lock:
            upload = str(len(cloud.sessions))
            cloud.sessions[upload] = (path, query, bytearray())
        place = f"https://storage.googleapis.com{path}?uploadType=resumable&upload_id={upload}"
        self.answer(200, b"", Location=place)

    def _feed(self, query: dict[str, str], body: bytes, status: int | None) -> None:
        """Take a chunk; with `LOST` it is taken and nothing is answered."""
        path, wanted, held = self.server.cloud.sessions[query["upload_id"]]
        span, _, total = self.headers["Content-Range"].partition(" ")[2].partition("/")
        start, end = (int(n) for n in span.split("-"))
        assert end - start + 1 == len(body)
        if start == len(held):  # what is there already does not count twice
            held += body
        if total == "*":
            assert len(body) % (256 << 10) == 0, "chunks are multiples of 256 KiB"
            found = 308, b""
        else:
            assert int(total) == len(held)
            found = self._create(path, wanted, bytes(held))
        if status is not None:
            self._cut(LOST, b"")
        else:
            self.answer(*found, **({"Range": f"bytes=0-{len(held) - 1}"} if total == "*" else {}))

    def _delete(self, path: str) -> tuple[int, bytes]:
        _, _, _, _, bucket, _, name = path.split("/", 6)
        assert "/checkpoints/" in urllib.parse.unquote(name), "nothing but a checkpoint's data is deleted"
        with self.server.cloud.lock:
            gone = self.server.cloud.objects.pop(f"gs://{bucket}/{urllib.parse.unquote(name)}", None)
        return (204, b"") if gone else (404, b"{}")

    def _list(self, bucket: str, query: dict[str, str]) -> tuple[int, bytes]:
        """List folders, two a page."""
        start = f"gs://{bucket}/{query['prefix']}"
        with self.server.cloud.lock:
            names = [name[len(start) :] for name in self.server.cloud.objects if name.startswith(start)]
        found = sorted({query["prefix"] + name.split("/")[0] + "/" for name in names if "/" in name})
        after = int(query.get("pageToken", 0))
        page = {"prefixes": found[after : after + 2]}
        if after + 2 < len(found):
            page["nextPageToken"] = str(after + 2)
        return 200, json.dumps(page).encode()


def _meta(uri: str, data: bytes, generation: int) -> bytes:
    md5 = base64.b64encode(hashlib.md5(data).digest()).decode()
    crc = base64.b64encode(google_crc32c.Checksum(data).digest()).decode()
    meta = {"name": uri, "generation": str(generation), "size": str(len(data)), "md5Hash": md5, "crc32c": crc}
    return json.dumps(meta).encode()
