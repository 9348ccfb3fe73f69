"""A Google end with identity and storage only, behind TLS for ``*.googleapis.com`` and a CONNECT proxy.

The clients run unmodified: they talk to Google's own host names, and get their tokens by exchanging a
ServiceAccount token that a file holds. With ``ARGOVX_TEST_PROJECT`` the same tests run against that project with
the default credentials of the machine; what needs a second identity, or the sandbox's, is skipped and says so.
They create a bucket per test with a handful of small objects, a copy of 65 MiB among them, and delete it; at
list prices that is below one cent.
"""

from __future__ import annotations

import asyncio
import json
import os
import socket
import ssl
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import google.auth
import jwt
import pytest
import trustme
from cryptography.hazmat.primitives.asymmetric import ec
from google.api_core.exceptions import NotFound
from google.cloud import storage
from hypercorn.asyncio import serve
from hypercorn.config import Config

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.environment import network
from argovx_lab.sandbox.google.accounts import Accounts
from argovx_lab.sandbox.google.auth import Authenticator
from argovx_lab.sandbox.google.credentials import IamCredentials
from argovx_lab.sandbox.google.iam import Iam
from argovx_lab.sandbox.google.metadata_server import MetadataServer
from argovx_lab.sandbox.google.seed import seed
from argovx_lab.sandbox.google.storage.service import StorageService
from argovx_lab.sandbox.google.store import Store
from argovx_lab.sandbox.google.sts import SecurityTokenService
from argovx_lab.sandbox.google.subject_token import Provider, Verifier
from argovx_lab.sandbox.http import Request, json_response
from argovx_lab.sandbox.proxy import Proxy

PROJECT, NUMBER, USER, BUCKET = "argovx-sandbox", "424242424242", "ada", "argovx-sandbox-ada"
OWNER = "owner-ada"
REAL = os.environ.get("ARGOVX_TEST_PROJECT", "")
ISSUER = "https://kubernetes.sandbox.invalid"


class Lab:
    """The running thing, and what a test needs to become somebody."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.project, self.number, self.bucket = PROJECT, NUMBER, BUCKET
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.store = Store(folder / "google.sqlite")
        clock = Clock()
        auth = self.auth = Authenticator(self.store, clock)
        iam = Iam(self.store, clock, PROJECT, NUMBER)
        accounts = Accounts(self.store, PROJECT, NUMBER)
        self.provider = Provider(NUMBER, ISSUER, ("argovx",))
        self.storage = StorageService(self.store, folder / "blobs", auth, iam, clock)
        sts = SecurityTokenService(auth, clock, self.provider, Verifier(self.provider, self.jwks, clock))
        credentials = IamCredentials(auth, iam, accounts, clock)
        self.metadata = MetadataServer(auth, self.store, clock, PROJECT, NUMBER)
        self.metadata_port = 0
        self.email = accounts.email
        seed(self.store, iam, accounts, self.storage.buckets, user=USER, bucket=BUCKET, namespace="argovx")
        iam.policies.add(
            f"serviceAccounts/{accounts.email('u-ada')}",
            "roles/iam.serviceAccountTokenCreator",
            self.principal("owner-ada"),
        )
        self.handlers = {
            "sts.googleapis.com": sts.handle,
            "iamcredentials.googleapis.com": credentials.handle,
            "storage.googleapis.com": self.storage.handle,
        }
        self.loop: asyncio.AbstractEventLoop = asyncio.new_event_loop()
        self.requests: list[tuple[str, str]] = []

    def call(self, work: Callable[[], None]) -> None:
        """Run something on the server's loop, which owns the store."""

        async def run() -> None:
            work()

        asyncio.run_coroutine_threadsafe(run(), self.loop).result(10)

    @property
    def metadata_host(self) -> str:
        """Host and port of the metadata server."""
        return f"127.0.0.1:{self.metadata_port}"

    def expired_token(self, account: str) -> str:
        """Return a bearer token that was good once."""
        tokens: list[str] = []
        past = datetime.now(UTC) - timedelta(seconds=90)
        self.call(
            lambda: tokens.append(self.auth.issue(self.principal(account), subject=account, expires_at=past))
        )
        return tokens[0]

    def principal(self, account: str) -> str:
        pool = f"projects/{NUMBER}/locations/global/workloadIdentityPools/argovx"
        return f"principal://iam.googleapis.com/{pool}/subject/system:serviceaccount:argovx:{account}"

    def jwks(self) -> dict[str, Any]:
        public = jwt.algorithms.ECAlgorithm.to_jwk(self.key.public_key(), as_dict=True)
        return {"keys": [{**public, "kid": "k1", "alg": "ES256", "use": "sig"}]}

    def subject_token(self, account: str, namespace: str = "argovx") -> str:
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": [f"https:{self.provider.name}"],
            "sub": f"system:serviceaccount:{namespace}:{account}",
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "kubernetes.io": {"namespace": namespace, "serviceaccount": {"name": account, "uid": "1"}},
        }
        return jwt.encode(claims, self.key, "ES256", {"kid": "k1"})

    def credentials_file(self, account: str, **extra: Any) -> Path:
        token = self.folder / f"{account}.jwt"
        token.write_text(self.subject_token(account))
        path = self.folder / f"{account}-{uuid.uuid4().hex}.json"
        document = {
            "type": "external_account",
            "audience": self.provider.name,
            "subject_token_type": "urn:ietf:params:oauth:token-type:jwt",
            "token_url": "https://sts.googleapis.com/v1/token",
            "credential_source": {"file": str(token)},
            **extra,
        }
        path.write_text(json.dumps(document))
        return path

    async def app(self, scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return
        request = Request.of(scope, receive)
        self.requests.append((request.host, f"{request.method} {request.path}"))
        handler = self.handlers.get(request.host)
        answer = await handler(request) if handler else json_response({"error": "no such host"}, 404)
        if request.path.endswith("/allowedLocations"):
            # google-auth asks in the background, from a session that it never closes
            answer.headers = {**answer.headers, "connection": "close"}
        await answer.send(send)


def _free_port() -> int:
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return int(s.getsockname()[1])


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    if REAL:
        pytest.skip("this needs an identity provider of our own, which a real project does not have")
    folder = tmp_path_factory.mktemp("google")
    made = Lab(folder)
    ca = trustme.CA()
    ca.cert_pem.write_to_path(str(folder / "ca.pem"))
    ca.issue_cert("*.googleapis.com").private_key_and_cert_chain_pem.write_to_path(str(folder / "server.pem"))
    port, ready, loop = _free_port(), threading.Event(), made.loop
    stop = asyncio.Event()
    proxies: list[int] = []

    async def main() -> None:
        config = Config()
        config.bind = [f"127.0.0.1:{port}"]
        config.certfile = config.keyfile = str(folder / "server.pem")
        config.graceful_timeout = 0.5
        config.accesslog = config.errorlog = None
        # with the protocol named, asyncio switches off Nagle's algorithm
        bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        bound.bind(("127.0.0.1", 0))
        bound.listen()
        proxy = Proxy(("127.0.0.1", port))
        await proxy.start(bound)
        proxies.append(bound.getsockname()[1])
        plain = Config()
        made.metadata_port = _free_port()
        plain.bind = [f"127.0.0.1:{made.metadata_port}"]
        plain.accesslog = plain.errorlog = None
        server = asyncio.gather(
            serve(made.app, config, shutdown_trigger=stop.wait),
            serve(made.metadata, plain, shutdown_trigger=stop.wait),
        )
        while True:
            try:
                context = ssl.create_default_context(cafile=str(folder / "ca.pem"))
                _, writer = await asyncio.open_connection(
                    "127.0.0.1", port, ssl=context, server_hostname="storage.googleapis.com"
                )
                writer.close()
                break
            except ConnectionRefusedError:
                await asyncio.sleep(0.01)
        ready.set()
        await stop.wait()
        await proxy.stop()
        await server

    thread = threading.Thread(target=loop.run_until_complete, args=(main(),), daemon=True)
    thread.start()
    assert ready.wait(20)
    with pytest.MonkeyPatch.context() as patch:
        for name in [
            n for n in os.environ if n.lower() in ("http_proxy", "https_proxy", "no_proxy", "all_proxy")
        ]:
            patch.delenv(name)
        for name, value in network(f"http://127.0.0.1:{proxies[0]}", str(folder / "ca.pem")).items():
            patch.setenv(name, value)
        patch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(made.credentials_file(OWNER)))
        patch.setenv("GOOGLE_CLOUD_PROJECT", PROJECT)
        patch.setenv("DISABLE_GCS_PYTHON_CLIENT_OTEL_BUCKET_METADATA", "true")
        yield made
    loop.call_soon_threadsafe(stop.set)
    thread.join(20)
    assert not thread.is_alive()
    loop.close()
    made.store.close()


Become = Callable[..., storage.Client]


@pytest.fixture(scope="module")
def become(request: pytest.FixtureRequest) -> Iterator[Become]:
    """Make a storage client whose identity is a ServiceAccount of the cluster."""
    with ExitStack() as stack:

        def make(account: str = OWNER, **extra: Any) -> storage.Client:
            if not REAL:
                lab = request.getfixturevalue("lab")
                credentials, _ = google.auth.load_credentials_from_file(
                    str(lab.credentials_file(account, **extra))
                )
                client = storage.Client(project=PROJECT, credentials=credentials)
            elif account == OWNER and not extra:
                client = storage.Client(project=REAL)
            else:
                pytest.skip("this needs a second identity, which a real project does not give away")
            stack.callback(client.close)
            return client

        yield make


@pytest.fixture
def sandbox_only() -> None:
    """What only the sandbox does: it refuses by name what it does not have."""
    if REAL:
        pytest.skip("a real project has what is refused here")


@pytest.fixture(scope="module")
def client(become: Become) -> storage.Client:
    """The owner's client."""
    return become()


@pytest.fixture
def new_bucket(client: storage.Client) -> Iterator[Callable[..., storage.Bucket]]:
    """Make buckets of the owner, which go when the test ends."""
    made: list[storage.Bucket] = []

    def make(**kwargs: Any) -> storage.Bucket:
        wanted = client.bucket(f"lab-{uuid.uuid4().hex[:12]}")
        wanted.iam_configuration.uniform_bucket_level_access_enabled = True
        made.append(client.create_bucket(wanted, **kwargs))
        return made[-1]

    yield make
    for each in made:
        with suppress(NotFound):
            each.delete(force=True)


@pytest.fixture
def bucket(new_bucket: Callable[..., storage.Bucket]) -> storage.Bucket:
    """A new, empty bucket of the owner."""
    return new_bucket()
