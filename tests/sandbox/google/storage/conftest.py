"""Cloud Storage in process: requests as a server would build them, byte for byte."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

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
        return sorted(path for path in (self.folder / "blobs").rglob("*") if path.is_file())


@pytest.fixture
def storage(tmp_path: Path) -> Iterator[Storage]:
    made = Storage(tmp_path)
    yield made
    made.store.close()
