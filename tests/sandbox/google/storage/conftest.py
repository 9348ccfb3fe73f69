"""Cloud Storage in process: requests as a server would build them, byte for byte."""

from __future__ import annotations

import asyncio
import http.client
import json
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from google.cloud import storage as vendor_storage
from google.oauth2.credentials import Credentials

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.google.accounts import Accounts
from argovx_lab.sandbox.google.auth import Authenticator
from argovx_lab.sandbox.google.iam import Iam
from argovx_lab.sandbox.google.seed import seed
from argovx_lab.sandbox.google.storage.service import StorageService
from argovx_lab.sandbox.google.store import Store
from argovx_lab.sandbox.http import Message, Request, Response

PROJECT, NUMBER, BUCKET = "argovx-sandbox", "424242424242", "lab-bucket"


class Answer:
    """A whole answer."""

    def __init__(self, response: Response, body: bytes) -> None:
        self.status, self.headers, self.body = response.status, dict(response.headers), body

    @property
    def json(self) -> Any:
        return json.loads(self.body) if self.body else None

    @property
    def error(self) -> str:
        if self.body.startswith(b"<?xml"):
            return str(ET.fromstring(self.body).findtext("Message"))
        return str(self.json["error"]["message"])

    @property
    def xml_code(self) -> str:
        """Code of an error of the XML API."""
        return str(ET.fromstring(self.body).findtext("Code"))


class Storage:
    """The service and a way to ask it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = Clock()
        self.open()
        seed(
            self.store,
            self.iam,
            Accounts(self.store, PROJECT, NUMBER),
            self.service.buckets,
            user="ada",
            bucket=BUCKET,
            namespace="argovx",
        )

    def open(self) -> None:
        self.store = Store(self.folder / "google.sqlite")
        self.auth = Authenticator(self.store, self.clock)
        self.iam = Iam(self.store, self.clock, PROJECT, NUMBER)
        self.service = StorageService(self.store, self.folder / "blobs", self.auth, self.iam, self.clock)

    def restart(self) -> None:
        """End as a killed process does, nothing flushed or closed in order; and begin again."""
        self.store.close()
        self.open()

    def bearer(self, account: str, **change: Any) -> str:
        if "@" in account:
            return self.auth.issue(f"serviceAccount:{account}", email=account, subject=account, **change)
        pool = f"projects/{NUMBER}/locations/global/workloadIdentityPools/argovx"
        subject = f"system:serviceaccount:argovx:{account}"
        principal = f"principal://iam.googleapis.com/{pool}/subject/{subject}"
        return self.auth.issue(principal, subject=subject, **change)

    def request(
        self,
        method: str,
        target: str,
        body: bytes | Sequence[bytes | None] | Mapping[str, Any] = b"",
        *,
        account: str | None = "owner-ada",
        bearer: str = "",
        headers: Mapping[str, str] | None = None,
    ) -> Request:
        """Build a request; ``None`` among the pieces of a body is a client that goes away there."""
        pieces: list[bytes | None]
        if isinstance(body, Mapping):
            pieces = [json.dumps(body).encode()]
        else:
            pieces = [body] if isinstance(body, bytes) else list(body)
        messages: list[Message] = [
            {"type": "http.disconnect"}
            if piece is None
            else {"type": "http.request", "body": piece, "more_body": index < len(pieces) - 1}
            for index, piece in enumerate(pieces)
        ]
        token = bearer or (self.bearer(account) if account else "")
        given = {"authorization": f"Bearer {token}"} if token else {}
        given |= {k.lower(): v for k, v in (headers or {}).items()}
        path, _, query = target.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "query_string": query.encode(),
            "headers": [(k.encode(), v.encode("latin-1")) for k, v in given.items()],
        }

        async def receive() -> Message:
            # a server waits for ever when everything was read; a test must not
            assert messages, "the body was read twice"
            return messages.pop(0)

        return Request.of(scope, receive)

    async def answer(self, request: Request) -> Answer:
        response = await self.service.handle(request)
        body = response.body
        return Answer(
            response, body if isinstance(body, bytes) else b"".join([chunk async for chunk in body])
        )

    def ask(self, method: str, target: str, body: Any = b"", **kwargs: Any) -> Answer:
        return asyncio.run(self.answer(self.request(method, target, body, **kwargs)))

    def put(self, name: str, data: bytes = b"x", query: str = "", **kwargs: Any) -> Answer:
        target = f"/upload/storage/v1/b/{BUCKET}/o?uploadType=media&name={name}{query}"
        return self.ask("POST", target, data, **kwargs)

    def get(self, name: str, query: str = "", **kwargs: Any) -> Answer:
        return self.ask("GET", f"/storage/v1/b/{BUCKET}/o/{name}{query}", **kwargs)

    def files(self) -> list[Path]:
        """Every file of blobs, finished or not."""
        there = (path for path in (self.folder / "blobs").rglob("*") if path.is_file())
        return sorted(path for path in there if path.name != "reserve")


@pytest.fixture
def storage_at() -> type[Storage]:
    """Make the service in a folder of the test's choice."""
    return Storage


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    made = Storage(tmp_path)
    yield made
    made.store.close()


class Server:
    """The service in a process of its own."""

    def __init__(self, folder: Path, token: str, before: Callable[[], None] | None = None) -> None:
        self.folder, self.token, self.before = folder, token, before
        self.headers = {"authorization": f"Bearer {token}"}
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.start()

    def start(self) -> None:
        command = [
            sys.executable,
            str(Path(__file__).with_name("serve.py")),
            str(self.folder),
            str(self.port),
        ]
        self.process = subprocess.Popen(command, preexec_fn=self.before)
        deadline = time.monotonic() + 30
        while True:
            try:
                socket.create_connection(("127.0.0.1", self.port), 1).close()
                return
            except ConnectionRefusedError:
                assert self.process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.01)

    def kill(self) -> None:
        self.process.send_signal(signal.SIGKILL)
        self.process.wait(10)

    def ask(self, method: str, target: str, body: object = b"", **headers: str) -> tuple[int, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        try:
            connection.request(method, target, body, {**self.headers, **headers})
            response = connection.getresponse()
            return response.status, response.read()
        finally:
            connection.close()


@pytest.fixture
def server_at(storage_at: type[Storage]) -> Iterator[Callable[..., Server]]:
    """Make a server in a folder of the test's choice, with the rights of the bucket's owner."""
    made: list[Server] = []

    def make(folder: Path, **kwargs: Any) -> Server:
        prepared = storage_at(folder)
        token = prepared.bearer("owner-ada")
        prepared.store.close()
        made.append(Server(folder, token, **kwargs))
        return made[-1]

    yield make
    for each in made:
        each.kill()


@pytest.fixture
def server(server_at: Callable[..., Server], tmp_path: Path) -> Server:
    """The service in a process of its own."""
    return server_at(tmp_path)


@pytest.fixture
def vendor(server: Server) -> Iterator[Any]:
    """The vendor's client, talking to ``server``."""
    made = client_of(server)
    yield made
    made.close()


def client_of(server: Server) -> Any:
    """Return the vendor's client with the token of a server's owner."""
    return vendor_storage.Client(
        project=PROJECT,
        credentials=Credentials(server.token),
        client_options={"api_endpoint": f"http://127.0.0.1:{server.port}"},
    )
