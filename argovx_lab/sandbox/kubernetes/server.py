"""The API server as one object: store, tokens, RBAC and the ASGI application.

Owns composition and dispatch; refuses anonymous callers everywhere but at health and key endpoints.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.http import ClientGone, Message, Receive, Request, Response, Scope, Send
from argovx_lab.sandbox.kubernetes import discovery, health, openapi, pod_log, reading, status
from argovx_lab.sandbox.kubernetes import requests as parse
from argovx_lab.sandbox.kubernetes.authentication import Authenticator, User
from argovx_lab.sandbox.kubernetes.client import StoreClient
from argovx_lab.sandbox.kubernetes.custom.argo import ArgoDefinitions
from argovx_lab.sandbox.kubernetes.history import encode
from argovx_lab.sandbox.kubernetes.interface import ApiError, Object
from argovx_lab.sandbox.kubernetes.kinds import BY_ID, DEFINITIONS, Kind
from argovx_lab.sandbox.kubernetes.rbac import Attributes, Authorizer
from argovx_lab.sandbox.kubernetes.rbac_defaults import defined_objects, namespace_objects, root_ca_object
from argovx_lab.sandbox.kubernetes.registry import Registry
from argovx_lab.sandbox.kubernetes.requests import Target
from argovx_lab.sandbox.kubernetes.reviews import Reviewer
from argovx_lab.sandbox.kubernetes.store import Store
from argovx_lab.sandbox.kubernetes.tokens import Issuer
from argovx_lab.sandbox.kubernetes.writing import Writer, with_warnings

_log = logging.getLogger(__name__)


class ApiServer:
    """The sandbox's Kubernetes API server.

    Parameters
    ----------
    db_path : Path
        SQLite file of the store; it is made when absent.
    clock : Clock
        Source of every stamp.
    argo_crds : Path, optional
        Folder with definitions of Argo's kinds, in place of the sandbox's own.

    Raises
    ------
    SandboxError
        When a file of ``argo_crds`` cannot be used; it is named.

    Attributes
    ----------
    client : StoreClient
        The door for controllers in this process.
    issuer : Issuer
        ServiceAccount tokens; set ``issuer.url`` once the port is known.
    root_ca : str
        PEM of the cluster's own CA: every namespace that is made gets it as ``kube-root-ca.crt``.
    log_reader : callable, optional
        Set by the pod runner: ``(pod, container, *, follow, tail_lines, since_s, timestamps)`` to an
        asynchronous iterator of bytes.
    """

    def __init__(self, db_path: Path, *, clock: Clock, argo_crds: Path | None = None) -> None:
        self.store = Store(db_path)
        self.registry = Registry(self.store, clock)
        self.registry.hooks.append(self._created)
        self.issuer = Issuer(self.store, clock)
        self.client = StoreClient(self.registry, issuer=self.issuer)
        self.authenticator = Authenticator(self.store, self.issuer)
        self.authorizer = Authorizer(self.store)
        self.log_reader: pod_log.LogReader | None = None
        self.root_ca = ""
        self._reviewer = Reviewer(self.authenticator, self.authorizer, clock)
        self._writer = Writer(self.registry, self.authorizer, self.issuer)
        self._define(argo_crds)
        self.registry.deletion.sweep()

    def _define(self, folder: Path | None) -> None:
        """Serve what was defined before, and Argo's kinds as the files or the sandbox itself define them."""
        argo = ArgoDefinitions(self.registry)
        argo.load()
        argo.put(folder)

    def add_user_token(self, username: str, groups: list[str]) -> str:
        """Return the opaque, lasting token of a named user."""
        return self.authenticator.add_user_token(username, groups)

    def seed(self, objects: list[Object]) -> None:
        """Create each object that is not there yet; those that are there stay as they are."""
        for obj in objects:
            kind = self.store.kinds.of(obj["apiVersion"], obj["kind"])
            if kind is None:
                raise status.not_served(f"the sandbox does not serve {obj['apiVersion']} {obj['kind']}")
            meta = obj["metadata"]
            if self.store.get(kind, meta.get("namespace", ""), meta["name"]) is None:
                copy = {**obj, "metadata": dict(meta)}
                self.registry.create(kind, meta.get("namespace", ""), copy)

    def _created(self, kind: Kind, obj: Object) -> None:
        if kind.id == DEFINITIONS.id and obj["metadata"]["name"] not in BY_ID:
            self.seed(defined_objects(obj["spec"]["group"], obj["spec"]["names"]["plural"]))
        if kind.id == "namespaces":
            name = obj["metadata"]["name"]
            self.seed(namespace_objects(name))
            if self.root_ca:
                self.seed([root_ca_object(name, self.root_ca)])

    def close(self) -> None:
        """End all watches and close the database."""
        for kind in self.store.kinds:
            self.store.history(kind).end()
        self.store.close()

    async def app(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            return
        body = _Body(receive)
        try:
            try:
                response = await self._answer(Request.of(scope, body.receive))
            except ApiError as error:
                response = _failure(error)
            await body.drain()
        except ClientGone:
            return
        await response.send(send)

    async def _answer(self, request: Request) -> Response:
        parts = parse.segments(request)
        public = self._public(request, parts)
        if public is not None:
            return public
        user = self.authenticator.user(request.bearer)
        parse.check_accept(request) if parts[-1] != "log" else None
        review = parse.review_of(parts)
        if review is not None:
            return await self._review(request, review, user)
        if (parts[0] == "api" and len(parts) > 2) or (parts[0] == "apis" and len(parts) > 3):
            return await self._resource(request, parse.target_of(self.store.kinds, request, parts), user)
        return self._document(request, parts, user)

    def _public(self, request: Request, parts: list[str]) -> Response | None:
        answer: Any = None
        if request.method != "GET":
            return None
        if len(parts) == 1 and parts[0] in health.ENDPOINTS:
            return health.answer(self.store, request, parts)
        if parts == ["version"]:
            answer = discovery.VERSION
        elif parts == [".well-known", "openid-configuration"]:
            answer = self.issuer.discovery()
        elif parts == ["openid", "v1", "jwks"]:
            answer = self.issuer.jwks()
        return None if answer is None else reading.raw_response(encode(answer))

    def _document(self, request: Request, parts: list[str], user: User) -> Response:
        self.authorizer.require(user, Attributes(_path_verb(request), path=request.path))
        checked = health.answer(self.store, request, parts)
        if checked is not None and request.method == "GET":
            return checked
        document: Object | None = None
        if parts[0] == "openapi":
            document = openapi.find(self.store.kinds, parts[1:])
        elif parts == ["api"]:
            document = discovery.versions(request.host)
        elif parts == ["apis"]:
            document = discovery.groups(self.store.kinds)
        elif parts[0] == "apis" and len(parts) == 2:
            document = discovery.group(self.store.kinds, parts[1])
        elif parts == ["api", "v1"]:
            document = discovery.resources(self.store.kinds, "", "v1")
        elif parts[0] == "apis" and len(parts) == 3:
            document = discovery.resources(self.store.kinds, parts[1], parts[2])
        if document is None:
            raise status.unknown_path()
        if request.method != "GET":
            raise status.wrong_method()
        return reading.raw_response(encode(document))

    async def _review(self, request: Request, review: Any, user: User) -> Response:
        if request.method != "POST":
            raise status.wrong_method()
        parse.check_options(request, parse.OPTIONS["create"])
        self.authorizer.require(user, Attributes("create", review.group, review.plural))
        body = await parse.read_json(request)
        if not isinstance(body, dict):
            raise status.bad_request(f"the body must be a {review.kind}, it is {status.shown(body)}")
        return reading.raw_response(encode(self._reviewer.answer(review, user, body)), 201)

    async def _resource(self, request: Request, target: Target, user: User) -> Response:
        self.authorizer.require(user, _attributes(request, target))
        if target.subresource == "log":
            return pod_log.log(self.registry, self.log_reader, request, target)
        parse.check_options(request, parse.OPTIONS[target.verb])
        if target.verb == "get":
            return reading.get(self.registry, request, target)
        if target.verb == "list":
            return reading.list_objects(self.registry, request, target)
        if target.verb == "watch":
            return reading.watch(self.registry, request, target)
        work = {
            "create": self._writer.create,
            "update": self._writer.update,
            "patch": self._writer.patch,
            "delete": self._writer.delete,
            "deletecollection": self._writer.delete_collection,
        }[target.verb]
        response = await work(request, target, user)
        manager = request.param("fieldManager")
        if manager and not manager.startswith("kubectl-"):  # kubectl names itself without being asked
            warning = '299 - "fieldManager is not recorded by the sandbox: managedFields are not kept"'
            response.headers = {**response.headers, "warning": warning}
        return response


class _Body:
    """A request's body; what nobody read is taken off the connection before the answer is sent.

    A server that answers a long upload without reading it leaves both ends waiting for each other.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    async def receive(self) -> Message:
        message = await self._receive()
        self._ended = message["type"] == "http.disconnect" or not message.get("more_body")
        return message

    async def drain(self) -> None:
        while not self._ended:
            if (await self.receive())["type"] == "http.disconnect":
                raise ClientGone


def _attributes(request: Request, target: Target) -> Attributes:
    name = target.name
    if target.verb in ("list", "watch", "deletecollection"):
        name = _selected_name(request.param("fieldSelector"))
    resource = target.kind.resource
    namespace = target.name if target.kind.id == "namespaces" else target.namespace
    return Attributes(
        target.verb,
        resource.group,
        resource.plural,
        target.subresource,
        namespace,
        name,
        version=resource.version,
    )


def _selected_name(selector: str) -> str:
    for part in selector.split(","):
        key, _, value = part.partition("=")
        if key.strip() == "metadata.name":
            return value.lstrip("=").strip()
    return ""


def _path_verb(request: Request) -> str:
    verbs = {"POST": "post", "PUT": "put", "PATCH": "patch", "DELETE": "delete", "HEAD": "head"}
    return verbs.get(request.method, "get")


def _failure(error: ApiError) -> Response:
    response = reading.raw_response(encode(status.failure(error)), error.code)
    response = with_warnings(response, *error.warnings)
    if "retryAfterSeconds" in error.details:
        response.headers = {**response.headers, "retry-after": str(error.details["retryAfterSeconds"])}
    return response


__all__ = ["BY_ID", "ApiServer"]
