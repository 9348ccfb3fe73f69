"""Cloud Storage behind one door: routes, parameters, the caller, and errors in this API's form.

Owns what all methods share; a parameter or header that the method does not honour is refused by name
instead of being ignored. The methods are listed in :mod:`.routes`.
"""

from __future__ import annotations

import asyncio
import logging
import re
import sqlite3
from pathlib import Path
from typing import Final

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.google.auth import Authenticator
from argovx_lab.sandbox.google.caller import Caller
from argovx_lab.sandbox.google.errors import GoogleError
from argovx_lab.sandbox.google.iam import Iam
from argovx_lab.sandbox.google.noted import Note, Noted, ignore
from argovx_lab.sandbox.google.storage import batch, routes
from argovx_lab.sandbox.google.storage.access import Access
from argovx_lab.sandbox.google.storage.blobs import Blobs
from argovx_lab.sandbox.google.storage.bucket_methods import BucketMethods
from argovx_lab.sandbox.google.storage.buckets import Buckets
from argovx_lab.sandbox.google.storage.call import Call
from argovx_lab.sandbox.google.storage.catalog import Catalog
from argovx_lab.sandbox.google.storage.errors import (
    StorageError,
    acl,
    invalid,
    machine,
    not_emulated,
    render,
)
from argovx_lab.sandbox.google.storage.names import decode
from argovx_lab.sandbox.google.storage.object_methods import ObjectMethods
from argovx_lab.sandbox.google.storage.objects import Objects
from argovx_lab.sandbox.google.storage.sessions import Sessions
from argovx_lab.sandbox.google.storage.uploads import Uploads
from argovx_lab.sandbox.google.store import Store
from argovx_lab.sandbox.http import ClientGone, Message, Receive, Request, Response

log = logging.getLogger(__name__)

#: Parameters of every method; the last two change nothing about an answer's meaning.
_COMMON: Final = frozenset({"alt", "fields", "projection", "userProject", "prettyPrint", "quotaUser"})
#: google-cloud-storage 3.17 misspells this one in uploads; what is meant is honoured.
_ALIASES: Final = {"ifMetaGenerationNotMatch": "ifMetagenerationNotMatch"}
#: What is read away of a refused upload. Unit: bytes.
_DRAIN_MAX: Final = 64 * 1024 * 1024
_ACLS: Final = frozenset({"predefinedAcl", "predefinedDefaultObjectAcl", "destinationPredefinedAcl"})
_HEADERS: Final = ("x-goog-encryption-algorithm", "x-goog-copy-source-encryption-algorithm")
_TAG_HEADERS: Final = ("if-match", "if-none-match")


class _Body:
    """Passes a request's body on, and reads away what nobody read.

    A client that is still sending when the refusal comes would see a broken connection instead of it.
    """

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self._ended = False

    async def __call__(self) -> Message:
        message = await self._receive()
        self._ended = message["type"] != "http.request" or not message.get("more_body")
        return message

    async def drain(self) -> None:
        left = _DRAIN_MAX
        while not self._ended and left > 0:
            left -= len((await self()).get("body", b""))


class StorageService:
    """The Cloud Storage service.

    Parameters
    ----------
    store : Store
        Records.
    folder : Path
        Bytes; belongs to this service alone.
    authenticator, iam, clock
        Who calls, what they may, and time.
    note : callable
        Keeps each call for the audit log.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        authenticator: Authenticator,
        iam: Iam,
        clock: Clock,
        note: Note = ignore,
    ) -> None:
        self._auth = authenticator
        self._note = note
        self._iam = iam
        self._blobs = Blobs(folder)
        self._catalog = Catalog(store, clock)
        self.buckets = Buckets(self._catalog, iam.policies)
        objects = Objects(self._catalog, self._blobs)
        self._uploads = Uploads(objects, self._blobs, self.buckets)
        self._sessions = Sessions(
            self._catalog, objects, self._blobs, self._uploads, lambda c: Access(iam, c, write=True)
        )
        self._sessions.tidy()
        self._routes = routes.table(
            BucketMethods(iam, self._catalog, self.buckets),
            ObjectMethods(self._catalog, self.buckets, objects),
            self._upload,
        )

    def methods(self) -> list[str]:
        """Return the names of all methods that are answered."""
        return sorted({route.name for route in self._routes})

    async def tidy(self) -> None:
        """Remove bytes that no record names, which a killed process may have left."""
        there = await asyncio.to_thread(self._blobs.all)
        # asked after the files were listed: what has been kept since then is not among them
        orphans = there - self._catalog.blobs()
        await asyncio.to_thread(self._blobs.delete, orphans)

    async def handle(self, request: Request) -> Response:
        """Answer one request; errors come back rendered."""
        body = request.receive = _Body(request.receive)
        noted = Noted(f"{request.method} {request.path[:200]}")
        refusal: GoogleError
        try:
            answer = await self._answer(request, noted)
        except GoogleError as error:
            refusal = error
        except ClientGone:
            refusal = StorageError("CANCELLED", "The client went away.")
        except (OSError, sqlite3.Error) as error:
            refusal = machine(error)
            log.exception("storage cannot use its state folder: %s", refusal.http_status)
        else:
            self._note(noted)
            return answer
        noted.outcome, noted.message = refusal.code, refusal.message[:256]
        self._note(noted)
        if request.method != "GET":
            await body.drain()
        return render(refusal)

    async def _answer(self, request: Request, noted: Noted) -> Response:
        if request.path.rstrip("/") in ("/batch/storage/v1", "/batch"):
            return await batch.run(request, self.handle)
        path = request.raw_path.partition("?")[0]
        if upload := request.param("upload_id"):
            return await self._session(request, upload)
        for route in self._routes:
            match = route.path.fullmatch(path)
            if match is not None and route.verb == request.method:
                names = tuple(decode(name) for name in match.groups())
                params = self._params(request, route)
                noted.method = route.name
                caller = self._caller(request)
                noted.principal = caller.principal if caller else ""
                access = Access(self._iam, caller, write=request.method != "GET", noted=noted)
                return await route.method(Call(request, access, names, params))
        raise self._unknown(request, path)

    def _caller(self, request: Request) -> Caller | None:
        if "authorization" not in request.headers:
            return None
        try:
            return self._auth.authenticate(request.bearer)
        except GoogleError as error:
            raise StorageError("UNAUTHENTICATED", "Invalid Credentials", headers=error.headers) from None

    async def _session(self, request: Request, upload: str) -> Response:
        if request.method in ("PUT", "POST"):
            return await self._sessions.feed(request, upload)
        if request.method == "DELETE":
            return self._sessions.cancel(upload)
        raise invalid(f"Method {request.method} is not one of an upload session: PUT, POST, DELETE.")

    async def _upload(self, call: Call) -> Response:
        kind = call.params.get("uploadType", "")
        if kind == "media":
            return await self._uploads.media(call)
        if kind == "multipart":
            return await self._uploads.multipart(call)
        if kind == "resumable":
            return await self._sessions.open(call)
        raise invalid(f"Invalid upload type {kind[:40]!r}: media, multipart or resumable.", "uploadType")

    def _params(self, request: Request, route: routes.Route) -> dict[str, str]:
        """Return the query parameters, refusing what nothing honours."""
        params = {_ALIASES.get(name, name): value for name, value in request.query}
        for name, value in params.items():
            if name in _ACLS and value:
                raise acl()
            if name not in _COMMON | route.params | _ACLS:
                raise not_emulated(f"the parameter {name!r} of {request.method} {request.path[:100]}")
        if params.get("alt", "json") not in ("json", "media" if "generation" in route.params else "json"):
            raise invalid(f"Invalid value for alt: {params['alt'][:40]!r}.", "alt")
        # buckets have uniform access, so there is no ACL that "full" could add
        if params.get("projection", "noAcl") not in ("noAcl", "full"):
            raise invalid(f"Invalid value for projection: {params['projection'][:40]!r}.", "projection")
        if params.get("userProject", self._iam.project) not in (self._iam.project, self._iam.number):
            raise not_emulated("requester pays", "Leave userProject out.")
        for header in _HEADERS:
            if header in request.headers:
                raise not_emulated(f"customer-supplied encryption keys ({header})")
        if request.method != "GET":
            for header in _TAG_HEADERS:
                if header in request.headers:
                    raise not_emulated(f"the header {header} of {request.method}", "Use ifGenerationMatch.")
        return params

    def _unknown(self, request: Request, path: str) -> StorageError:
        """Return the refusal of a path that no route takes."""
        for part in ("acl", "defaultObjectAcl"):
            if re.search(rf"/b/[^/]+/(?:o/[^/]+/)?{part}(?:/|\Z)", path):
                return acl()
        for part, what in routes.ABSENT.items():
            if re.search(part, path):
                return not_emulated(what)
        if any(route.path.fullmatch(path) for route in self._routes):
            return StorageError(
                "INVALID_ARGUMENT",
                f"Method {request.method} is not allowed here.",
                status=405,
                why="methodNotAllowed",
            )
        if "/storage/v1" in path:
            return StorageError("NOT_FOUND", f"{path[:200]} is not a path of the Cloud Storage JSON API.")
        return not_emulated(
            "the XML API and signed URLs", "Use the JSON API (/storage/v1/b/BUCKET/o/OBJECT)."
        )
