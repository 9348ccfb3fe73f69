"""The metadata server of jobs: who the job is and a token for it, below a secret path.

On Vertex every replica has its own server at a link-local address. Here all share one plaintext port, and a
random path segment tells them apart: ``GCE_METADATA_HOST=127.0.0.1:PORT/SECRET``, which google-auth puts in
front of ``/computeMetadata/v1/``. Owns that tree; refuses identity tokens by name, and everything without
the ``Metadata-Flavor`` header, as the real one does to keep other websites' requests out.
Source: https://cloud.google.com/compute/docs/metadata/querying-metadata
"""

from __future__ import annotations

import hashlib
import json
import logging
import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any, Final

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.google.auth import CLOUD_PLATFORM, LIFETIME_S, SCOPES, Authenticator
from argovx_lab.sandbox.google.errors import machine
from argovx_lab.sandbox.google.noted import Note, Noted, ignore
from argovx_lab.sandbox.google.store import Store
from argovx_lab.sandbox.http import Receive, Request, Response, Scope, Send

log = logging.getLogger(__name__)

#: What a job without a service account of its own gets; cloud-platform is not among it.
#: Source: https://cloud.google.com/vertex-ai/docs/general/access-control#service-agents
AGENT_SCOPES: Final = tuple(
    f"https://www.googleapis.com/auth/{name}"
    for name in ("bigquery", "devstorage.read_write", "logging.write")
)
_AGENT_DOMAIN: Final = "@gcp-sa-aiplatform-cc.iam.gserviceaccount.com"
_TABLE = "metadata.jobs"
_ROOT: Final = "computeMetadata/v1"
_FLAVOR: Final = {"metadata-flavor": "Google", "server": "Metadata Server for VM"}
#: A cached token with less life than this is replaced, as the real server does. Unit: seconds.
_FRESH_S: Final = 300
#: Statuses as the audit log names them; every other refusal is the request's own fault.
_CODES: Final = {403: "PERMISSION_DENIED", 404: "NOT_FOUND", 501: "UNIMPLEMENTED", 503: "UNAVAILABLE"}


class MetadataServer:
    """ASGI application; one instance serves all jobs.

    Parameters
    ----------
    authenticator : Authenticator
        Issues the tokens.
    store : Store
        Where registrations live, by the hash of the secret.
    clock : Clock
        For the life of tokens.
    project, number : str
        Project id and number.
    zone : str
        What ``instance/zone`` answers.
    lifetime_s : float
        Life of a token. Unit: seconds.
    note : callable
        Keeps each call for the audit log, without the secret of its path.
    """

    def __init__(
        self,
        authenticator: Authenticator,
        store: Store,
        clock: Clock,
        project: str,
        number: str,
        *,
        zone: str = "us-central1-a",
        lifetime_s: float = LIFETIME_S,
        note: Note = ignore,
    ) -> None:
        self._note = note
        self._auth = authenticator
        self._store = store
        self._clock = clock
        self._project, self._number, self._zone = project, number, zone
        self.lifetime_s = lifetime_s
        self._tokens: dict[tuple[str, tuple[str, ...]], tuple[str, float]] = {}

    def register(self, secret: str, email: str, scopes: Iterable[str] | None = None) -> None:
        """Open the path of one job.

        Parameters
        ----------
        secret : str
            Random path segment without a slash, at least 16 characters.
        email : str
            The service account that the job runs as.
        scopes : iterable of str, optional
            What its tokens may carry; by default cloud-platform, and for the custom code service agent only
            :data:`AGENT_SCOPES`.
        """
        if len(secret) < 16 or "/" in secret:
            raise ValueError("the secret must be one path segment of at least 16 characters")
        if scopes is None:
            scopes = AGENT_SCOPES if email.endswith(_AGENT_DOMAIN) else (CLOUD_PLATFORM,)
        self._store.put(_TABLE, _digest(secret), {"email": email, "scopes": list(scopes)})

    def revoke(self, secret: str) -> None:
        """Close the path of one job; tokens that it holds end by themselves."""
        key = _digest(secret)
        self._store.delete(_TABLE, key)
        for cached in [entry for entry in self._tokens if entry[0] == key]:
            self._auth.revoke(self._tokens.pop(cached)[0])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "http":
            await self.answer(Request.of(scope, receive)).send(send)

    def answer(self, request: Request) -> Response:
        """Return the answer to one request."""
        secret, _, path = request.path.lstrip("/").partition("/")
        record = self._store.get(_TABLE, _digest(secret))
        noted = Noted(f"{request.method} /{path[:200]}")
        if record is not None:
            noted.principal = f"serviceAccount:{record['email']}"
        try:
            response = self._answer(request, secret, record, path)
        except (OSError, sqlite3.Error) as error:
            log.warning("no token can be written down: %s", error)
            told = machine(error)
            response = _text(told.message, told.http_status)
        if response.status >= 400 and isinstance(response.body, bytes):
            noted.outcome = _CODES.get(response.status, "INVALID_ARGUMENT")
            noted.message = response.body.decode().replace(secret, "…")[:256] if secret else ""
        self._note(noted)
        return response

    def _answer(self, request: Request, secret: str, record: Mapping[str, Any] | None, path: str) -> Response:
        if request.method != "GET":
            return _text(f"{request.method} is not allowed: the metadata server is read with GET.", 405)
        if request.path == "/":
            # what google-auth's ping asks for; it names nobody, so it needs no secret
            return _text("computeMetadata/\n", 200)
        if record is None:
            return _text("No job is registered under this path.", 404)
        if path.strip("/") in ("", "computeMetadata"):
            return _text("computeMetadata/\n", 200)
        if request.headers.get("metadata-flavor") != "Google":
            return _text("Missing Metadata-Flavor:Google header.", 403)
        if "x-forwarded-for" in request.headers:
            return _text("Requests with X-Forwarded-For are refused.", 403)
        if path != _ROOT and not path.startswith(_ROOT + "/"):
            return _text(f"{path!r} is not found: {_ROOT}/ is.", 404)
        return self._read(_digest(secret), record, path[len(_ROOT) :].strip("/"), request)

    def _read(self, key: str, record: Mapping[str, Any], path: str, request: Request) -> Response:
        email = record["email"]
        parts = path.split("/")
        if parts[:2] == ["instance", "service-accounts"] and len(parts) == 4:
            if parts[2] in ("default", email) and parts[3] == "token":
                return self._token(key, record, request.param("scopes"))
            if parts[3] == "identity":
                return _text("Identity tokens are not emulated by the sandbox's metadata server.", 501)
        if request.param("wait_for_change"):
            return _text("wait_for_change is not emulated by the sandbox's metadata server.", 501)
        value: Any = self._tree(record)
        for part in filter(None, parts):
            if not isinstance(value, dict) or part not in value:
                return _text(f"{path!r} is not found on this metadata server.", 404)
            value = value[part]
        return _render(value, request)

    def _tree(self, record: Mapping[str, Any]) -> dict[str, Any]:
        email = record["email"]
        account = {"aliases": ["default"], "email": email, "scopes": record["scopes"]}
        zone = f"projects/{self._number}/zones/{self._zone}"
        return {
            "instance": {"service-accounts": {"default": account, email: account}, "zone": zone},
            "project": {"numeric-project-id": int(self._number), "project-id": self._project},
            "universe": {"universe-domain": "googleapis.com"},
        }

    def _token(self, key: str, record: Mapping[str, Any], wanted: str) -> Response:
        asked = frozenset(filter(None, wanted.split(",")))
        if asked and not asked & SCOPES:
            return _text(f"The scope {min(asked)!r} is none that the sandbox knows.", 403)
        scopes = _granted(asked, frozenset(record["scopes"]))
        now = self._clock.now().timestamp()
        token, end = self._tokens.get((key, scopes), ("", 0.0))
        if end - now < min(_FRESH_S, self.lifetime_s / 2):
            end = now + self.lifetime_s
            email = record["email"]
            token = self._auth.issue(
                f"serviceAccount:{email}",
                email=email,
                subject=email,
                scopes=scopes,
                lifetime_s=self.lifetime_s,
            )
            self._tokens[(key, scopes)] = (token, end)
        return _json({"access_token": token, "expires_in": int(end - now), "token_type": "Bearer"})


def _granted(asked: frozenset[str], allowed: frozenset[str]) -> tuple[str, ...]:
    """Return the scopes of a token: of those asked for what the job may have, never more than it may.

    Nobody is refused for asking too much, as on Compute Engine: ``storage.Client()`` asks for
    ``devstorage.full_control`` beside what it needs, and who asks for ``cloud-platform`` alone gets the
    job's own scopes and hears of it from the service (``ACCESS_TOKEN_SCOPE_INSUFFICIENT``).
    """
    inside = asked & SCOPES if CLOUD_PLATFORM in allowed else asked & allowed
    return tuple(sorted(inside or allowed))


def _render(value: Any, request: Request) -> Response:
    """Render a node: a directory as a list, or whole with ``recursive``; a leaf as text or JSON."""
    recursive = request.param("recursive").lower() == "true"
    alt = request.param("alt") or ("json" if recursive else "text")
    if alt not in ("json", "text"):
        return _text(f"alt={alt!r} must be json or text.", 400)
    if isinstance(value, dict) and not recursive:
        names = [name + ("/" if isinstance(child, dict) else "") for name, child in value.items()]
        return _text("".join(f"{name}\n" for name in names), 200)
    if alt == "json":
        return _json(_camel(value) if recursive else value)
    if isinstance(value, dict):
        return _text("recursive with alt=text is not emulated: ask for alt=json.", 501)
    return _text("".join(f"{item}\n" for item in value) if isinstance(value, list) else str(value), 200)


def _camel(value: Any) -> Any:
    """Return a tree with the names that ``recursive=true`` uses: ``projectId`` for ``project-id``."""
    if not isinstance(value, dict):
        return value
    return {_camel_name(name): _camel(child) for name, child in value.items()}


def _camel_name(name: str) -> str:
    if "@" in name:
        return name
    head, *tail = name.split("-")
    return head + "".join(part.capitalize() for part in tail)


def _json(value: object) -> Response:
    body = json.dumps(value, separators=(",", ":")).encode()
    return Response(200, {"content-type": "application/json", **_FLAVOR}, body)


def _text(text: str, status: int) -> Response:
    return Response(status, {"content-type": "application/text", **_FLAVOR}, text.encode())


def _digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()
