"""A Google end without a socket: requests go straight to its application."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.google.jobs.images import Fixed, Image
from argovx_lab.sandbox.google.server import GoogleServer
from argovx_lab.sandbox.processes import ProcessGroup

PROJECT, NUMBER, REGION, USER = "sandbox-lab", "424242424242", "us-central1", "ada"
PARENT = f"projects/{PROJECT}/locations/{REGION}"
ACCOUNT = f"u-{USER}@{PROJECT}.iam.gserviceaccount.com"
AUDIENCE = (
    f"//iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/argovx/providers/sandbox"
)


class Answer:
    """What the application sent."""

    def __init__(self, messages: list[dict[str, Any]]) -> None:
        self.status = messages[0]["status"]
        self.headers = {k.decode(): v.decode() for k, v in messages[0]["headers"]}
        self.body = b"".join(m.get("body", b"") for m in messages if m["type"] == "http.response.body")
        self.trailers = {
            k.decode(): v.decode()
            for m in messages
            if m["type"] == "http.response.trailers"
            for k, v in m["headers"]
        }

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def error(self) -> Any:
        return self.json["error"]


class Lab:
    """A Google end and its callers."""

    def __init__(self, folder: Path, quotas: Any = None, **settings: Any) -> None:
        self.folder = folder
        self.settings = SimpleNamespace(
            **{
                "images": Fixed({"python:3.11": Image(sys.executable, cmd=(sys.executable,))}),
                "provisioning_s": 0.0,
                **settings,
            }
        )
        self.server = GoogleServer(
            folder,
            project=PROJECT,
            project_number=NUMBER,
            region=REGION,
            user=USER,
            bucket="lab-ada",
            clock=Clock(),
            settings=self.settings,
            keys=dict,
            issuer_url="https://127.0.0.1:1",
            audience=AUDIENCE,
            quotas=quotas,
        )
        self.server.metadata_host = "127.0.0.1:1"

    def principal(self, account: str) -> str:
        pool = f"projects/{NUMBER}/locations/global/workloadIdentityPools/argovx"
        return f"principal://iam.googleapis.com/{pool}/subject/system:serviceaccount:argovx:{account}"

    def token(self, account: str = f"owner-{USER}") -> str:
        return self.server.authenticator.issue(self.principal(account), subject=account)

    async def send(
        self,
        method: str,
        path: str,
        body: Any = None,
        query: Mapping[str, Any] | None = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Send one request; ``body`` is JSON, or bytes as they are."""
        data = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
        named = {"host": "localhost", **(headers or {})}
        if token != "":
            named["authorization"] = f"Bearer {token or self.token()}"
        scope = {
            "type": "http",
            "method": method,
            "path": path,
            "raw_path": quote(path, safe="/:.$-_~%").encode(),
            "query_string": urlencode(query or {}, doseq=True).encode(),
            "headers": [(k.encode(), v.encode()) for k, v in named.items()],
            "client": ("127.0.0.1", 1),
        }
        sent: list[Any] = []

        async def receive() -> Any:
            return {"type": "http.request", "body": data, "more_body": False}

        async def send(message: Any) -> None:
            sent.append(message)

        await self.server.app(scope, receive, send)
        return Answer(sent)

    def rest(self, *args: Any, **kwargs: Any) -> Answer:
        return asyncio.run(self.send(*args, **kwargs))

    def grpc(self, path: str, frame: bytes, **headers: str) -> Answer:
        named = {"content-type": "application/grpc", "te": "trailers"}
        named |= {k.replace("_", "-"): v for k, v in headers.items()}
        return self.rest("POST", path, frame, headers=named)

    def audit(self) -> list[dict[str, Any]]:
        text = (self.folder / "log" / "google-audit.jsonl").read_text()
        return [json.loads(line) for line in text.splitlines()]


def job(code: str = "pass", **changes: Any) -> dict[str, Any]:
    container = {"imageUri": "python:3.11", "command": ["python3", "-c", code]}
    pool = {"machineSpec": {"machineType": "n1-standard-4"}, "replicaCount": 1, "containerSpec": container}
    spec = {"workerPoolSpecs": [pool], "serviceAccount": ACCOUNT, **changes.pop("spec", {})}
    return {"displayName": "a job", "jobSpec": spec, **changes}


@pytest.fixture
def make_job() -> Callable[..., dict[str, Any]]:
    """Make the REST body of a custom job."""
    return job


@pytest.fixture
def make_lab(tmp_path: Path) -> Iterator[Callable[..., Lab]]:
    """Make Google ends on one folder."""
    made: list[Lab] = []

    def make(**settings: Any) -> Lab:
        made.append(Lab(tmp_path, **settings))
        return made[-1]

    yield make
    for one in made:
        one.server.close()
    for folder in tmp_path.glob("processes/job-*"):
        if (group := ProcessGroup.attach(folder)) is not None:
            group.kill()


@pytest.fixture
def lab(make_lab: Callable[..., Lab]) -> Lab:
    """One Google end."""
    return make_lab()
