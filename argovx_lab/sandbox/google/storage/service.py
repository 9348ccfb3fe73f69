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
from argovx_lab.sandbox.google.storage import batch, parameters, routes
from argovx_lab.sandbox.google.storage.access import Access
from argovx_lab.sandbox.google.storage.blobs import Blobs
from argovx_lab.sandbox.google.storage.bodies import Body
from argovx_lab.sandbox.google.storage.bucket_methods import BucketMethods
from argovx_lab.sandbox.google.storage.buckets import Buckets
from argovx_lab.sandbox.google.storage.call import Call
from argovx_lab.sandbox.google.storage.catalog import Catalog
from argovx_lab.sandbox.google.storage.copy_methods import CopyMethods
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
from argovx_lab.sandbox.google.storage.xml_errors import render_xml
from argovx_lab.sandbox.google.storage.xml_uploads import XmlUploads
from argovx_lab.sandbox.google.store import Store
from argovx_lab.sandbox.http import ClientGone, Request, Response

log = logging.getLogger(__name__)

#: How paths of the JSON API begin; every other path is one of the XML API.
_JSON: Final = ("/storage/", "/upload/storage/", "/download/storage/", "/batch", "/resumable/")
BATCH: Final = "storage.batch"
#: How often abandoned uploads are looked for. Unit: seconds.
_TIDY_EVERY_S: Final = 600.0
#: The end of the host names that carry a bucket's name, as the XML API allows.
_HOST: Final = ".storage.googleapis.com"


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
            CopyMethods(self.buckets, objects),
            self._upload,
        )
        self._xml = XmlUploads(self._catalog, objects, self._blobs, self.buckets)

    def methods(self) -> list[str]:
        """Return the names of all methods that are answered."""
        parts = [f"storage.multipartUploads.{verb}" for verb in ("initiate", "part", "complete", "abort")]
        return sorted({*parts, *(route.name for route in self._routes)})

    def name_of(self, method: str, path: str) -> str:
        """Return the name of the method that a request means, ``storage.objects.get``; for faults."""
        if "/upload/storage/" in path:
            return "storage.objects.create"
        found = (r.name for r in self._routes if r.verb == method and r.path.fullmatch(path))
        return next(found, "storage")

    async def tidy(self) -> None:
        """Remove bytes that no record names, which a killed process may have left."""
        there = await asyncio.to_thread(self._blobs.all)
        # asked after the files were listed: what has been kept since then is not among them
        orphans = there - self._catalog.blobs()
        await asyncio.to_thread(self._blobs.delete, orphans)

    async def run(self) -> None:
        """End uploads that are past their time, until cancelled."""
        while True:
            await asyncio.sleep(_TIDY_EVERY_S)
            try:
                self._sessions.tidy()
            except (OSError, sqlite3.Error):
                log.exception("uploads that are past their time stay")

    async def handle(self, request: Request) -> Response:
        """Answer one request; errors come back rendered."""
        body = request.receive = Body(request.receive)
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
            if refusal.http_status == 507 and isinstance(error, sqlite3.Error):
                self._sessions.make_room()  # for who tries again
            log.exception("storage cannot use its state folder: %s", refusal.http_status)
        else:
            self._keep(noted)
            if not isinstance(answer.body, bytes):
                answer.body = body.while_there(answer.body)
            return answer
        noted.outcome, noted.message = refusal.code, refusal.message[:256]
        self._keep(noted)
        if request.method != "GET":
            await body.drain()
        return render(refusal) if _is_json(request) else render_xml(refusal)

    def _keep(self, noted: Noted) -> None:
        """Keep a call for the audit log; what is done stays done when the disk is full."""
        if noted.method == BATCH and noted.outcome == "OK":
            return  # each call in it has a line of its own
        try:
            self._note(noted)
        except OSError:
            log.exception("the audit line of %s is lost", noted.method)

    async def _answer(self, request: Request, noted: Noted) -> Response:
        if not _is_json(request):
            return await self._answer_xml(request, noted)
        if request.path.rstrip("/") in ("/batch/storage/v1", "/batch"):
            noted.method = BATCH
            return await batch.run(request, self.handle)
        path = request.raw_path.partition("?")[0]
        if upload := request.param("upload_id"):
            return await self._session(request, upload, noted)
        for route in self._routes:
            match = route.path.fullmatch(path)
            if match is not None and route.verb == request.method:
                names = tuple(decode(name) for name in match.groups())
                params = parameters.checked(
                    request, route.params, self._iam, media="generation" in route.params
                )
                noted.method = route.name
                access = self._access(request, noted)
                return await route.method(Call(request, access, names, params))
        raise self._unknown(request, path)

    async def _answer_xml(self, request: Request, noted: Noted) -> Response:
        """Answer a multipart upload of the XML API; everything else of that API is refused."""
        host = request.host.partition(":")[0]
        bucket, name = host.removesuffix(_HOST), request.raw_path.partition("?")[0][1:]
        if bucket == host:
            bucket, _, name = name.partition("/")
        params = dict(request.query)
        methods = {
            ("POST", "uploads"): self._xml.initiate,
            ("PUT", "partNumber uploadId"): self._xml.part,
            ("POST", "uploadId"): self._xml.complete,
            ("DELETE", "uploadId"): self._xml.abort,
        }
        method = methods.get((request.method, " ".join(sorted(params))))
        if method is None:
            raise not_emulated(
                "the XML API (but for multipart uploads) and signed URLs",
                "Use the JSON API (/storage/v1/b/BUCKET/o/OBJECT).",
            )
        noted.method = f"storage.multipartUploads.{method.__name__}"
        parameters.check_headers(request, self._iam)
        access = self._access(request, noted)
        return await method(Call(request, access, (decode(bucket), decode(name)), params))

    def _access(self, request: Request, noted: Noted) -> Access:
        caller = self._caller(request)
        noted.principal = caller.principal if caller else ""
        return Access(self._iam, caller, write=request.method != "GET", noted=noted)

    def _caller(self, request: Request) -> Caller | None:
        if "authorization" not in request.headers:
            return None
        try:
            return self._auth.authenticate(request.bearer)
        except GoogleError as error:
            raise StorageError("UNAUTHENTICATED", "Invalid Credentials", headers=error.headers) from None

    async def _session(self, request: Request, upload: str, noted: Noted) -> Response:
        noted.method = "storage.objects.create"
        if request.method in ("PUT", "POST"):
            return await self._sessions.feed(request, upload, noted)
        if request.method == "DELETE":
            return self._sessions.cancel(upload, noted)
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
        return StorageError("NOT_FOUND", f"{path[:200]} is not a path of the Cloud Storage JSON API.")


def _is_json(request: Request) -> bool:
    return request.path.startswith(_JSON) and not request.host.partition(":")[0].endswith(_HOST)
