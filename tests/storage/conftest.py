"""A small bucket on loopback, with faults; it speaks the JSON API as far as our client does."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import google_crc32c
import pytest

from argovx_lab.identity.http import Transport
from argovx_lab.identity.settings import Patience
from argovx_lab.storage.objects import Objects

PATIENCE = Patience(connect_s=1, read_s=2, tries=4, first_s=0.01, max_s=0.02, total_s=5)


class Open:
    """A session without credentials."""

    def __init__(self) -> None:
        self._transport = Transport()

    def request(self, method: str, url: str, **options: Any) -> Any:
        options.pop("timeout_s", None)
        repeat = options.pop("repeat", None)
        harmless = method == "GET" if repeat is None else repeat
        return self._transport.send(method, url, patience=PATIENCE, repeat=harmless, **options)

    def close(self) -> None:
        self._transport.close()


class Bucket:
    """Objects by name, upload sessions, and planned faults."""

    def __init__(self) -> None:
        self.objects: dict[str, dict[str, Any]] = {}
        self.uploads: dict[str, dict[str, Any]] = {}
        self.requests: list[str] = []
        self.faults: list[list[Any]] = []
        self.generation = 100
        self.page = 1000
        self.crc_only = False
        self.lock = threading.Lock()

    def fault(self, pattern: str, action: Any, times: int = 1) -> None:
        self.faults.append([re.compile(pattern), action, times])

    def store(self, about: dict[str, Any], data: bytes) -> dict[str, Any]:
        self.generation += 1
        crc = google_crc32c.value(data).to_bytes(4, "big")
        found = {
            "bucket": "b",
            "name": about["name"],
            "generation": str(self.generation),
            "size": str(len(data)),
            "contentType": about.get("contentType", ""),
            "metadata": about.get("metadata", {}),
            "crc32c": base64.b64encode(crc).decode(),
            "md5Hash": base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode(),
        }
        self.objects[about["name"]] = {"about": found, "data": data}
        return found

    def answer(self, method: str, path: str, query: dict[str, str], headers: Any, body: bytes) -> Any:
        if path.startswith("/upload/"):
            return self._upload(method, query, headers, body)
        name = unquote(path.partition("/o/")[2])
        if not name:
            return self._list(query)
        found = self.objects.get(name)
        if (
            found is None
            or query.get("generation", found["about"]["generation"]) != found["about"]["generation"]
        ):
            return 404, {"error": {"code": 404, "message": "No such object"}}, {}
        if query.get("alt") != "media":
            return 200, found["about"], {}
        return self._media(found, headers)

    def _media(self, found: dict[str, Any], headers: Any) -> Any:
        data = found["data"]
        hashes = f"crc32c={found['about']['crc32c']}"
        if not self.crc_only:
            hashes += f",md5={found['about']['md5Hash']}"
        asked = re.match(r"bytes=(\d+)-(\d*)\Z", headers.get("Range", ""))
        if not asked:
            return 200, data, {"x-goog-hash": hashes}
        start, end = int(asked.group(1)), int(asked.group(2) or len(data) - 1)
        if start >= len(data):
            return 416, b"", {}
        return 206, data[start : end + 1], {"x-goog-hash": hashes}

    def _list(self, query: dict[str, str]) -> Any:
        names = [n for n in sorted(self.objects) if n.startswith(query["prefix"])]
        names = [n for n in names if n >= query.get("startOffset", "")]
        prefixes = []
        if query.get("delimiter"):
            rest = {n: n[len(query["prefix"]) :] for n in names}
            prefixes = sorted({query["prefix"] + r.split("/")[0] + "/" for r in rest.values() if "/" in r})
            names = [n for n in names if "/" not in rest[n]]
        start = int(query.get("pageToken", 0))
        page = {
            "items": [self.objects[n]["about"] for n in names[start : start + self.page]],
            "prefixes": prefixes,
        }
        if start + self.page < len(names):
            page["nextPageToken"] = str(start + self.page)
        return 200, page, {}

    def _upload(self, method: str, query: dict[str, str], headers: Any, body: bytes) -> Any:
        if query.get("upload_id"):
            return self._piece(query["upload_id"], headers, body)
        if query["uploadType"] == "resumable":
            number = str(len(self.uploads))
            self.uploads[number] = {
                "about": json.loads(body),
                "data": b"",
                "match": query.get("ifGenerationMatch"),
            }
            where = (
                f"http://{headers['Host']}/upload/storage/v1/b/b/o?uploadType=resumable&upload_id={number}"
            )
            return 200, {}, {"Location": where}
        border = headers["Content-Type"].partition("boundary=")[2].encode()
        _, head, rest = body.split(b"--" + border, 2)
        about = json.loads(head.partition(b"\r\n\r\n")[2])
        data = rest.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--" + border + b"--")[0]
        return self._finish(about, data, query.get("ifGenerationMatch"))

    def _piece(self, number: str, headers: Any, body: bytes) -> Any:
        upload = self.uploads[number]
        asked = re.match(r"bytes (?:(\d+)-\d+|\*)/(\d+)\Z", headers["Content-Range"])
        total = int(asked.group(2))
        if asked.group(1) is not None:
            assert int(asked.group(1)) == len(upload["data"]), "a piece left a hole"
            upload["data"] += body
        if len(upload["data"]) < total:
            held = {"Range": f"bytes=0-{len(upload['data']) - 1}"} if upload["data"] else {}
            return 308, b"", held
        if "done" not in upload:
            upload["done"] = self._finish(upload["about"], upload["data"], upload["match"])
        return upload["done"]

    def _finish(self, about: dict[str, Any], data: bytes, match: str | None) -> Any:
        there = self.objects.get(about["name"])
        held = there["about"]["generation"] if there else "0"
        if match is not None and match != held:
            return 412, {"error": {"code": 412, "message": "conditionNotMet"}}, {}
        return 200, self.store(about, data), {}


@pytest.fixture
def bucket():
    """Return the state behind the endpoint."""
    return Bucket()


@pytest.fixture
def objects(bucket):
    """Return our client on that bucket."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        wbufsize = -1

        def log_message(self, *args: Any) -> None:
            pass

        def _serve(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            parts = urlsplit(self.path)
            query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
            line = f"{self.command} {unquote(self.path)} {self.headers.get('Content-Range', '')}"
            action = None
            with bucket.lock:
                bucket.requests.append(line)
                for entry in bucket.faults:
                    if entry[2] > 0 and entry[0].search(line):
                        entry[2] -= 1
                        action = entry[1]
                        break
                if action == "half" and body:
                    body = body[: len(body) // 2]
                if action != "reset" and not isinstance(action, int):
                    answer = bucket.answer(self.command, parts.path, query, self.headers, body)
                if isinstance(action, int):
                    answer = action, {"error": {"code": action, "message": "planned"}}, {}
                elif isinstance(action, tuple):
                    answer = action
            if action in ("reset", "lost", "half"):
                self.close_connection = True
                self.connection.close()
                return
            status, data, headers = answer
            data = data if isinstance(data, bytes) else json.dumps(data).encode()
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)
            self.wfile.flush()

        do_GET = do_POST = do_PUT = do_DELETE = _serve  # noqa: N815  (http.server's names)

    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    http.daemon_threads = True
    thread = threading.Thread(target=http.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    session = Open()
    yield Objects(session, f"http://127.0.0.1:{http.server_address[1]}")
    session.close()
    http.shutdown()
    thread.join()
    http.server_close()
