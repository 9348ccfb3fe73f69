"""A loopback server that answers what a test tells it to."""

from __future__ import annotations

import base64
import json
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs

import pytest

from argovx_lab.identity.settings import Federation, Patience

AUDIENCE = "//iam.googleapis.com/projects/1/locations/global/workloadIdentityPools/p/providers/k"
QUICK = Patience(connect_s=1, read_s=0.3, tries=3, first_s=0.01, max_s=0.02, total_s=5)


class Stub:
    """Answers in turn: ``(status, body, headers)``, ``"reset"`` or ``"hang"``; the last answer repeats."""

    def __init__(self) -> None:
        self.answers: list[Any] = []
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.lock = threading.Lock()
        stub = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1

            def log_message(self, *args: Any) -> None:
                pass

            def _serve(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                with stub.lock:
                    stub.requests.append(
                        (
                            self.command,
                            self.path,
                            {name.lower(): value for name, value in self.headers.items()},
                            body,
                        )
                    )
                    answer = stub.answers.pop(0) if len(stub.answers) > 1 else stub.answers[0]
                if callable(answer):
                    answer = answer(self.command, self.path, body)
                if answer == "hang":
                    time.sleep(0.6)
                if answer in ("reset", "hang"):
                    self.close_connection = True
                    self.connection.close()
                    return
                status, data, headers = answer
                data = data if isinstance(data, bytes) else json.dumps(data).encode()
                self.send_response_only(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)
                self.wfile.flush()

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  (http.server's names)

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def form(self, index: int = 0) -> dict[str, str]:
        """Return the form of a request."""
        return {name: values[0] for name, values in parse_qs(self.requests[index][3].decode()).items()}


def jwt(**claims: Any) -> str:
    def part(doc: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(doc).encode()).decode().rstrip("=")

    return f"{part({'alg': 'RS256'})}.{part({'exp': int(time.time()) + 3600, **claims})}.c2ln"


@pytest.fixture
def make_jwt():
    """Return a maker of ServiceAccount-like tokens."""
    return jwt


@pytest.fixture
def sts():
    """Return a stub that hands out a token."""
    stub = Stub()
    token = {"access_token": "ya29.one", "expires_in": 3600, "token_type": "Bearer"}
    stub.answers = [(200, token, {})]
    yield stub
    stub.close()


@pytest.fixture
def api():
    """Return a stub that plays an API."""
    stub = Stub()
    stub.answers = [(200, {"ok": True}, {})]
    yield stub
    stub.close()


@pytest.fixture
def token_file(tmp_path):
    """Return a file with a good token."""
    path = tmp_path / "token"
    path.write_text(jwt(sub="system:serviceaccount:team:wf-ada"))
    return path


@pytest.fixture
def federation(sts, token_file):
    """Return settings that point at the stub."""
    return Federation(sts.url, AUDIENCE, str(token_file), sts=QUICK, api=QUICK)
