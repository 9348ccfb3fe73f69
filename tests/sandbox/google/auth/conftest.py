"""The identity side of the Google end, in process, with a clock that tests move."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.google.accounts import Accounts
from argovx_lab.sandbox.google.auth import Authenticator
from argovx_lab.sandbox.google.caller import Caller
from argovx_lab.sandbox.google.credentials import IamCredentials
from argovx_lab.sandbox.google.iam import Iam
from argovx_lab.sandbox.google.metadata_server import MetadataServer
from argovx_lab.sandbox.google.seed import seed
from argovx_lab.sandbox.google.storage.service import StorageService
from argovx_lab.sandbox.google.store import Store
from argovx_lab.sandbox.google.sts import SecurityTokenService
from argovx_lab.sandbox.google.subject_token import Provider, Verifier
from argovx_lab.sandbox.http import Message, Request, Response

PROJECT, NUMBER, BUCKET = "argovx-sandbox", "424242424242", "argovx-sandbox-ada"
ISSUER = "https://kubernetes.sandbox.invalid"
SCOPE = "https://www.googleapis.com/auth/cloud-platform"


class MovedClock(Clock):
    """Time that stands still until a test moves it."""

    def __init__(self) -> None:
        super().__init__()
        self.at = datetime(2026, 11, 24, 8, tzinfo=UTC)

    def now(self) -> datetime:
        return self.at

    def move(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def request_of(
    method: str,
    target: str,
    body: bytes = b"",
    headers: Mapping[str, str] | None = None,
    bearer: str = "",
) -> Request:
    """Build a request as a server would."""
    path, _, query = target.partition("?")
    pairs = [(k.lower().encode(), v.encode()) for k, v in (headers or {}).items()]
    if bearer:
        pairs.append((b"authorization", f"Bearer {bearer}".encode()))
    scope = {
        "type": "http",
        "method": method,
        "path": path,
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "headers": [*pairs, (b"content-length", str(len(body)).encode())],
    }

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return Request.of(scope, receive)


def body_of(response: Response) -> Any:
    assert isinstance(response.body, bytes)
    return json.loads(response.body) if response.body else None


class Issuer:
    """The cluster's issuer: keys that rotate, tokens with any claims."""

    def __init__(self, clock: MovedClock) -> None:
        self.clock = clock
        self.keys: dict[str, Any] = {"k1": ec.generate_private_key(ec.SECP256R1())}
        self.fetched = 0
        self.extra: list[dict[str, Any]] = []

    def jwks(self) -> dict[str, Any]:
        self.fetched += 1
        found = []
        for kid, key in self.keys.items():
            kind = (
                jwt.algorithms.RSAAlgorithm
                if isinstance(key, rsa.RSAPrivateKey)
                else jwt.algorithms.ECAlgorithm
            )
            found.append({**kind.to_jwk(key.public_key(), as_dict=True), "kid": kid})
        return {"keys": found + self.extra}

    def claims(self, account: str = "wf-ada", namespace: str = "argovx", **change: Any) -> dict[str, Any]:
        now = int(self.clock.now().timestamp())
        claims = {
            "iss": ISSUER,
            "aud": [provider().name],
            "sub": f"system:serviceaccount:{namespace}:{account}",
            "iat": now,
            "nbf": now,
            "exp": now + 3600,
            "kubernetes.io": {
                "namespace": namespace,
                "serviceaccount": {"name": account, "uid": "1"},
                "pod": {"name": "p", "uid": "2"},
            },
            **change,
        }
        return {k: v for k, v in claims.items() if v is not None}

    def token(self, kid: str = "k1", algorithm: str = "ES256", **change: Any) -> str:
        return jwt.encode(self.claims(**change), self.keys[kid], algorithm, {"kid": kid})


def provider(**change: Any) -> Provider:
    return Provider(NUMBER, ISSUER, ("argovx",), **change)


def b64(data: object) -> str:
    text = data if isinstance(data, bytes) else json.dumps(data).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


class Google:
    """All identity services on one store."""

    def __init__(self, folder: Path, clock: MovedClock, issuer: Issuer, settings: Provider) -> None:
        self.folder, self.clock, self.issuer = folder, clock, issuer
        self.store = Store(folder / "google.sqlite")
        self.auth = Authenticator(self.store, clock)
        self.iam = Iam(self.store, clock, PROJECT, NUMBER)
        self.accounts = Accounts(self.store, PROJECT, NUMBER)
        self.storage = StorageService(self.store, folder / "blobs", self.auth, self.iam, clock)
        self.provider = settings
        self.sts = SecurityTokenService(self.auth, clock, settings, Verifier(settings, issuer.jwks, clock))
        self.credentials = IamCredentials(self.auth, self.iam, self.accounts, clock)
        self.metadata = MetadataServer(self.auth, self.store, clock, PROJECT, NUMBER)
        seed(
            self.store,
            self.iam,
            self.accounts,
            self.storage.buckets,
            user="ada",
            bucket=BUCKET,
            namespace="argovx",
        )

    def caller(self, account: str, **change: Any) -> Caller:
        return self.auth.authenticate(self.bearer(account, **change))

    def bearer(self, account: str, **change: Any) -> str:
        """Issue a token to ``wf-ada`` and its kin, or to a service account given by its address."""
        if "@" in account:
            return self.auth.issue(f"serviceAccount:{account}", email=account, subject=account, **change)
        subject = f"system:serviceaccount:argovx:{account}"
        return self.auth.issue(principal(account), subject=subject, **change)

    async def exchange(self, **change: str | None) -> tuple[int, Any]:
        token = "urn:ietf:params:oauth:token-type:"
        fields: dict[str, str | None] = {
            "grant_type": "urn:ietf:params:oauth:grant-type:token-exchange",
            "audience": self.provider.name,
            "scope": SCOPE,
            "requested_token_type": token + "access_token",
            "subject_token_type": token + "jwt",
            **change,
        }
        if "subject_token" not in fields:
            fields["subject_token"] = self.issuer.token()
        body = urlencode({k: v for k, v in fields.items() if v is not None}).encode()
        answer = await self.sts.handle(
            request_of("POST", "/v1/token", body, {"content-type": "application/x-www-form-urlencoded"})
        )
        return answer.status, body_of(answer)


def principal(account: str, namespace: str = "argovx") -> str:
    pool = f"projects/{NUMBER}/locations/global/workloadIdentityPools/argovx"
    return f"principal://iam.googleapis.com/{pool}/subject/system:serviceaccount:{namespace}:{account}"


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def issuer(clock: MovedClock) -> Issuer:
    return Issuer(clock)


@pytest.fixture
def google(tmp_path: Path, clock: MovedClock, issuer: Issuer) -> Iterator[Google]:
    made = Google(tmp_path, clock, issuer, provider())
    yield made
    made.store.close()


@pytest.fixture
def kit() -> Any:
    """The helpers of this file, since test modules do not import one another."""
    import types

    return types.SimpleNamespace(
        request_of=request_of, body_of=body_of, principal=principal, provider=provider, b64=b64, Google=Google
    )
