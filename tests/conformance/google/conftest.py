"""The Google end behind its proxy, and scripts in the vendor's language run against it.

A script (``*/scripts/``) knows nothing of the sandbox: project, region, bucket and service account come through
the environment that ``argovx sandbox run`` sets, and two variables of the test. With ``ARGOVX_TEST_PROJECT`` and
real credentials in the environment (``LAB_BUCKET`` and ``SERVICE_ACCOUNT`` set) the same scripts run there.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import jwt
import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.environment import network
from argovx_lab.sandbox.faults import Faults
from argovx_lab.sandbox.google.jobs.images import Fixed, Image
from argovx_lab.sandbox.google.server import GoogleServer
from argovx_lab.sandbox.processes import ProcessGroup
from argovx_lab.sandbox.proxy import Proxy
from argovx_lab.sandbox.transport import Listener, Transport

PROJECT, NUMBER, REGION, USER, BUCKET = "sandbox-lab", "424242424242", "us-central1", "ada", "lab-ada"
AUDIENCE = (
    f"//iam.googleapis.com/projects/{NUMBER}/locations/global/workloadIdentityPools/argovx/providers/sandbox"
)
ISSUER = "https://127.0.0.1:1"
POOL = f"projects/{NUMBER}/locations/global/workloadIdentityPools/argovx"
HERE = Path(__file__).parent
#: With a real project the same scripts run against it, with the credentials of the environment.
REAL = os.environ.get("ARGOVX_TEST_PROJECT", "")


def _listen() -> socket.socket:
    # with the protocol named, asyncio switches off Nagle's algorithm
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    bound.bind(("127.0.0.1", 0))
    bound.listen()
    return bound


def principal(account: str = f"owner-{USER}") -> str:
    """Return the principal of a ServiceAccount of the cluster."""
    return f"principal://iam.googleapis.com/{POOL}/subject/system:serviceaccount:argovx:{account}"


class End:
    """A Google end in a thread of its own."""

    def __init__(
        self, folder: Path, provisioning_s: float = 0.1, quotas: dict[str, int] | None = None
    ) -> None:
        self.folder = folder
        self.quotas = quotas or {}
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.settings = SimpleNamespace(
            images=Fixed(
                {
                    "python:3.11": Image(sys.executable, cmd=(sys.executable,)),
                    "sh:1": Image("/bin/sh", cmd=("/bin/sh",)),
                }
            ),
            provisioning_s=provisioning_s,
        )
        folder.mkdir(parents=True, exist_ok=True)
        ca = trustme.CA()
        self.ca = folder / "ca.pem"
        ca.cert_pem.write_to_path(self.ca)
        self._certificate = ca.issue_cert("localhost", "127.0.0.1", "*.googleapis.com")
        self._sockets = {name: _listen() for name in ("google", "proxy", "metadata")}
        self.ports = {name: bound.getsockname()[1] for name, bound in self._sockets.items()}
        self.loop = asyncio.new_event_loop()
        self._stop = asyncio.Event()
        self._ready = threading.Event()
        self._thread = threading.Thread(
            target=self.loop.run_until_complete, args=(self._serve(),), daemon=True
        )
        self.server: GoogleServer

    def start(self) -> End:
        self._thread.start()
        assert self._ready.wait(20), "the Google end did not start"
        # the scripts write and delete logs, as the owner of a real project may
        self.call(lambda: self.server.iam.policies.add("project", "roles/logging.admin", principal()))
        return self

    def stop(self) -> None:
        self.loop.call_soon_threadsafe(self._stop.set)
        self._thread.join(20)
        assert not self._thread.is_alive()
        self.loop.close()
        for folder in self.folder.glob("processes/job-*"):
            if (group := ProcessGroup.attach(folder)) is not None:
                group.kill()

    def jwks(self) -> dict[str, Any]:
        public = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": "k1", "alg": "ES256", "use": "sig"}]}

    async def _serve(self) -> None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._certificate.configure_cert(context)
        context.set_alpn_protocols(["h2", "http/1.1"])
        faults = Faults(self.folder / "faults.json")
        self.server = GoogleServer(
            self.folder,
            project=PROJECT,
            project_number=NUMBER,
            region=REGION,
            user=USER,
            bucket=BUCKET,
            clock=Clock(),
            settings=self.settings,
            keys=self.jwks,
            issuer_url=ISSUER,
            audience=AUDIENCE,
            faults=faults,
            quotas=self.quotas,
        )
        self.server.metadata_host = f"127.0.0.1:{self.ports['metadata']}"
        self.server.job_environment = network(f"http://127.0.0.1:{self.ports['proxy']}", str(self.ca))
        transport = Transport(faults)
        listeners = [
            Listener("google", self.server.app, transport, context, self.server.app.name_of, plaintext=True),
            Listener("metadata", self.server.metadata_app, transport),
        ]
        await listeners[0].start(self._sockets["google"])
        await listeners[1].start(self._sockets["metadata"])
        proxy = Proxy(("127.0.0.1", self.ports["google"]))
        await proxy.start(self._sockets["proxy"])
        runner = asyncio.create_task(self.server.run())
        self._ready.set()
        await self._stop.wait()
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)
        await proxy.stop()
        for listener in listeners:
            await listener.stop()
        self.server.close()

    def call(self, work: Callable[[], Any]) -> Any:
        """Run something on the server's loop, which owns the store."""

        async def run() -> Any:
            return work()

        return asyncio.run_coroutine_threadsafe(run(), self.loop).result(10)

    def token(self, account: str = f"owner-{USER}") -> str:
        """Return an access token of a ServiceAccount of the cluster."""
        who, subject = principal(account), f"system:serviceaccount:argovx:{account}"
        return str(self.call(lambda: self.server.authenticator.issue(who, subject=subject)))

    def credentials(self, account: str) -> Path:
        """Write an external_account file of a ServiceAccount of the cluster."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": [AUDIENCE],
            "sub": f"system:serviceaccount:argovx:{account}",
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "kubernetes.io": {"namespace": "argovx", "serviceaccount": {"name": account, "uid": "1"}},
        }
        token = self.folder / f"{account}.jwt"
        token.write_text(jwt.encode(claims, self.key, "ES256", {"kid": "k1"}))
        path = self.folder / f"{account}.json"
        document = {
            "type": "external_account",
            "audience": AUDIENCE,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": "https://sts.googleapis.com/v1/token",
            "credential_source": {"file": str(token)},
        }
        path.write_text(json.dumps(document))
        return path

    def environment(self, account: str = f"owner-{USER}") -> dict[str, str]:
        return {
            "PATH": os.defpath,
            "HOME": str(self.folder),
            **network(f"http://127.0.0.1:{self.ports['proxy']}", str(self.ca)),
            "GOOGLE_APPLICATION_CREDENTIALS": str(self.credentials(account)),
            "GOOGLE_CLOUD_PROJECT": PROJECT,
            "GOOGLE_CLOUD_LOCATION": REGION,
            "NO_GCE_CHECK": "true",
            "LAB_BUCKET": BUCKET,
            "CALLER": principal(account),
            "SERVICE_ACCOUNT": f"u-{USER}@{PROJECT}.iam.gserviceaccount.com",
            "LAB_SERVICE_ACCOUNT": f"u-{USER}@{PROJECT}.iam.gserviceaccount.com",
        }

    def run(self, script: str, *arguments: str, account: str = f"owner-{USER}") -> list[str]:
        """Run ``FOLDER/NAME.py`` to its end; return what it said in lines that begin with two colons."""
        folder, _, name = script.rpartition("/")
        path = HERE / (folder or "vertex") / "scripts" / name
        done = subprocess.run(
            [sys.executable, "-W", "ignore", str(path), *arguments],
            env={**os.environ, "GOOGLE_CLOUD_PROJECT": REAL} if REAL else self.environment(account),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-6000:]
        return [line[3:] for line in done.stdout.splitlines() if line.startswith(":: ")]


@pytest.fixture
def make_end(tmp_path: Path) -> Iterator[Callable[..., End]]:
    """Make Google ends of a test's own."""
    made: list[End] = []

    def make(**settings: Any) -> End:
        made.append(End(tmp_path / f"end{len(made)}", **settings).start())
        return made[-1]

    yield make
    for one in made:
        one.stop()


@pytest.fixture(scope="session")
def end(tmp_path_factory: pytest.TempPathFactory) -> Iterator[End]:
    """One Google end for all tests that do not stop it."""
    made = End(tmp_path_factory.mktemp("google")).start()
    yield made
    made.stop()
