"""Every protobuf-described call, whatever its transport: authenticate → quota → authorize → handle → audit.

Owns the order of these and the two transports' entries. Handlers see plain dicts and a
:class:`Call`; they are registered by gRPC path. What no handler serves answers UNIMPLEMENTED with the
RPC's name and is counted, so that ``argovx sandbox status`` can say what was asked for in vain.
"""

from __future__ import annotations

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from argovx_lab.sandbox.google import messages, rpc, transcode, wire
from argovx_lab.sandbox.google.audit import Audit, Entry
from argovx_lab.sandbox.google.caller import Caller
from argovx_lab.sandbox.google.disorder import Disorder
from argovx_lab.sandbox.google.errors import GoogleError, machine, not_found, unimplemented
from argovx_lab.sandbox.google.names import Project, denied
from argovx_lab.sandbox.google.noted import Noted
from argovx_lab.sandbox.google.permissions import HOSTS, PERMISSIONS, READS, host, resources
from argovx_lab.sandbox.google.rendered import Rendered
from argovx_lab.sandbox.google.store import Store
from argovx_lab.sandbox.http import BodyTooLarge, ClientGone, Request, Response, Send

log = logging.getLogger(__name__)

Document = dict[str, Any]
#: Most names that are counted as asked for in vain; a client that makes names up fills no disk.
MISSING_MAX = 500


class Authenticates(Protocol):
    """Tells whose token it is."""

    def authenticate(self, bearer: str) -> Caller:
        """Return the caller or raise UNAUTHENTICATED."""


class Authorizes(Protocol):
    """Decides one permission."""

    def check(
        self,
        caller: Caller,
        permission: str,
        resource: str,
        *,
        attributes: Mapping[str, str] | None = None,
    ) -> None:
        """Raise PERMISSION_DENIED unless granted."""


@dataclass
class Call:
    """What a handler knows of a call besides its message.

    Parameters
    ----------
    explicit : frozenset of str
        Top-level request fields that were given, even with their default value; REST only.
    check : callable
        ``check(permission, resource)`` raises PERMISSION_DENIED unless the caller has it; a resource of
        another service is written in full, ``//iam.googleapis.com/…``.
    """

    caller: Caller
    method: rpc.Rpc
    explicit: frozenset[str]
    check: Callable[[str, str], None]


#: A method's work: from the request as a dict to the answer as a dict.
Handler = Callable[[Call, Document], Awaitable[Document]]


@dataclass
class _Trail:
    """What the audit line will say."""

    transport: str
    method: str = ""
    principal: str = ""
    permission: str = ""
    resource: str = ""
    wanted: list[str] = field(default_factory=list)


class Gateway:
    """The door to all described services."""

    def __init__(
        self,
        project: Project,
        store: Store,
        audit: Audit,
        authenticator: Authenticates,
        iam: Authorizes,
        require_scope: Callable[[Caller, str, bool], None],
        disorder: Disorder,
    ) -> None:
        self.project = project
        self._disorder = disorder
        self._rendered = Rendered()
        self.requests = 0
        #: Set when :meth:`missing` has changed; whoever keeps a copy clears it.
        self.missed = asyncio.Event()
        self._store = store
        self._audit = audit
        self._authenticator = authenticator
        self._iam = iam
        self._require_scope = require_scope
        self._table = rpc.table()
        self._handlers: dict[str, Handler] = {}

    def register(self, handlers: Mapping[str, Handler]) -> None:
        """Serve the methods of ``handlers`` (gRPC path → handler)."""
        for path in handlers:
            method = self._table.by_path(path)
            if method is None or not method.described or path not in PERMISSIONS:
                raise KeyError(f"{path} is not described, or has no permission")
        self._handlers.update(handlers)

    def served(self) -> list[str]:
        """Return the names of all methods that have a handler."""
        return sorted(path[1:].replace("/", ".") for path in self._handlers)

    def missing(self) -> dict[str, int]:
        """Return what was asked for in vain: RPC name → number of calls."""
        return {name: entry["count"] for name, entry in self._store.scan("missing")}

    async def rest(self, request: Request) -> Response:
        """Answer one REST call."""
        trail = _Trail("rest", f"{request.method} {request.path}")
        try:
            async with _Audited(self, trail):
                match = self._table.route(request.method, rpc.decoded(request.raw_path))
                caller = self._caller(request, trail, match.rpc.name if match else "")
                if match is None:
                    raise self._no_route(request)
                trail.method = match.rpc.name
                self._refuse_missing(match.rpc)
                message, explicit = transcode.request_message(match, request, await request.read())
                answer = await self._decide(match.rpc, caller, message, explicit, trail, request.host)
                ints = transcode.int_enums(request)
                return transcode.answer(self._rendered.rest(match.rpc.response, answer, int_enums=ints))
        except GoogleError as error:
            return transcode.failure(error)

    async def grpc(self, request: Request, send: Send) -> None:
        """Answer one gRPC call."""

        async def call(data: bytes) -> bytes:
            trail = _Trail("grpc", request.path[1:].replace("/", "."))
            async with _Audited(self, trail):
                method = self._table.by_path(request.path) or rpc.Rpc(request.path)
                caller = self._caller(request, trail, method.name)
                self._refuse_missing(method)
                message = messages.parse_bytes(method.request, data)
                answer = await self._decide(method, caller, message, frozenset(), trail, request.host)
                return self._rendered.wire(method.response, answer)

        await wire.serve(request, send, call)

    def name_of(self, method: str, path: str, grpc: bool) -> str:
        """Return the full name of the RPC that a request means, or the empty string."""
        if grpc:
            return path.partition("?")[0][1:].replace("/", ".")
        match = self._table.route(method, rpc.decoded(path))
        return match.rpc.name if match else ""

    def _caller(self, request: Request, trail: _Trail, name: str) -> Caller:
        self._disorder.before(name, request.bearer)
        caller = self._authenticator.authenticate(request.bearer)
        trail.principal = caller.principal
        return caller

    def _no_route(self, request: Request) -> GoogleError:
        if request.path.startswith("/v1beta1/"):
            return self._count(f"{request.method} {request.path.split('/')[-1]} (v1beta1)")
        name = request.host.partition(":")[0].lower()
        if name.endswith(".googleapis.com") and not name.endswith(tuple(HOSTS.values())):
            return self._count(name)
        return not_found(f"The requested URL {request.path} was not found on this server ({request.method}).")

    def _refuse_missing(self, method: rpc.Rpc) -> None:
        if method.path not in self._handlers:
            raise self._count(method.name)

    def _count(self, name: str) -> GoogleError:
        before = self._store.get("missing", name)
        if before is not None or self._store.count("missing") < MISSING_MAX:
            self._store.put("missing", name, {"count": (before or {"count": 0})["count"] + 1})
            self.missed.set()
        return unimplemented(name, "`argovx sandbox status` lists what was asked for in vain.")

    async def _decide(
        self,
        method: rpc.Rpc,
        caller: Caller,
        message: Any,
        explicit: frozenset[str],
        trail: _Trail,
        endpoint: str,
    ) -> Document:
        asked = messages.to_dict(message)
        needed = PERMISSIONS[method.path]
        api = host(method.service)
        verb = needed.permission.rpartition(".")[2] or rpc.verb(method)
        self._require_scope(caller, api, not verb.startswith(READS))
        names = resources(asked, needed.field) if needed.field else []
        trail.permission, trail.resource = needed.permission, ", ".join(names)[:500]
        for name in names:
            self.project.check_endpoint(endpoint, name, needed.field)
            self.check(caller, needed.permission, name, api)
        call = Call(
            caller, method, explicit, lambda permission, name: self.check(caller, permission, name, api)
        )
        self._disorder.quota(method.name, names[0] if names else "")
        with self._disorder.disk(method.name):
            answer = await self._handlers[method.path](call, asked)
        return self._disorder.after(method.name, answer)

    def check(self, caller: Caller, permission: str, name: str, api: str) -> None:
        """Raise PERMISSION_DENIED unless ``caller`` has ``permission`` on the resource ``name``."""
        resource = name if name.startswith("//") else f"//{api}/{self.project.readable(name)}"
        if (
            name.startswith("projects/")
            and not name.startswith("projects/-/")
            and not self.project.owns(name)
        ):
            raise denied(permission, resource)
        self._iam.check(caller, permission, resource)

    def note(self, trail: _Trail, error: GoogleError | None) -> None:
        """Write the audit line of a call that ended."""
        outcome, message = (error.code, error.message[:256]) if error else ("OK", "")
        self.keep(
            trail.transport,
            Noted(trail.method, trail.principal, trail.permission, trail.resource, outcome, message),
        )

    def keep(self, transport: str, noted: Noted) -> None:
        """Write the audit line of a call of any service; what is done stays done when the disk is full."""
        self.requests += 1
        try:
            self._audit.write(Entry(number=self.requests, transport=transport, **vars(noted)))
        except OSError as error:  # no traceback: the log is on the same disk
            log.warning("the audit line of %s is lost: %s", noted.method, error.strerror)


class _Audited:
    """Maps what went wrong to a :class:`GoogleError` and writes the audit line, in this order."""

    def __init__(self, gateway: Gateway, trail: _Trail) -> None:
        self._gateway = gateway
        self._trail = trail

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, _: object, error: BaseException | None, __: object) -> None:
        mapped = error
        if isinstance(error, BodyTooLarge):
            mapped = GoogleError("INVALID_ARGUMENT", "Request payload size exceeds the limit.", status=413)
        elif isinstance(error, (sqlite3.Error, OSError)):
            mapped = machine(error)
        elif isinstance(error, ClientGone):
            self._gateway.note(self._trail, GoogleError("CANCELLED", "The client went away."))
        if mapped is None or isinstance(mapped, GoogleError):
            self._gateway.note(self._trail, mapped)
        if mapped is not None and mapped is not error:
            raise mapped from error
