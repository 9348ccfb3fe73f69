"""POST, PUT, PATCH and DELETE: from a request to the registry's verbs.

Owns patch formats, options of writes and the grant check of RBAC objects.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from argovx_lab.sandbox.http import Request, Response
from argovx_lab.sandbox.kubernetes import patches, reading, status, strict, subresources
from argovx_lab.sandbox.kubernetes import requests as parse
from argovx_lab.sandbox.kubernetes.authentication import User
from argovx_lab.sandbox.kubernetes.delete_options import dry_run, options_from
from argovx_lab.sandbox.kubernetes.history import encode
from argovx_lab.sandbox.kubernetes.interface import ApiError, Object
from argovx_lab.sandbox.kubernetes.kinds import Kind
from argovx_lab.sandbox.kubernetes.rbac import Authorizer
from argovx_lab.sandbox.kubernetes.registry import Registry
from argovx_lab.sandbox.kubernetes.requests import Target
from argovx_lab.sandbox.kubernetes.schema import json_type
from argovx_lab.sandbox.kubernetes.selectors import matcher
from argovx_lab.sandbox.kubernetes.tokens import Issuer

Change = Callable[[Object], Object]


@dataclass(frozen=True)
class Writer:
    """Carries out writes for authenticated and authorized callers."""

    registry: Registry
    authorizer: Authorizer
    issuer: Issuer

    async def create(self, request: Request, target: Target, user: User) -> Response:
        """Create an object, or do what a subresource's POST does."""
        body = _whole(await parse.read_json(request), target.kind)
        trial = dry_run(parse.dry_run_values(request), "CreateOptions")
        if target.subresource:
            made = subresources.post(
                self.registry,
                self.issuer,
                target.kind,
                target.namespace,
                target.name,
                target.subresource,
                body,
                dry_run=trial,
            )
            return reading.raw_response(encode(made), 201)
        warned = strict.check(request.param("fieldValidation"), target.kind, body, "CreateOptions")
        with _said(warned):
            made = self.registry.create(
                target.kind,
                target.namespace,
                body,
                dry_run=trial,
                check=self._grant_check(user, target.kind),
                user=user.info(),
            )
        warnings = [*warned, *self.registry.admission.warnings]
        return with_warnings(reading.raw_response(encode(made), 201), *warnings)

    def _grant_check(self, user: User, kind: Kind) -> Callable[[Object], None]:
        return lambda obj: self.authorizer.check_grant(user, kind, obj)

    async def update(self, request: Request, target: Target, user: User) -> Response:
        """Replace an object or its status."""
        body = _whole(await parse.read_json(request), target.kind)
        warned = strict.check(request.param("fieldValidation"), target.kind, body, "UpdateOptions")
        with _said(warned):
            return with_warnings(self._change(request, target, user, lambda _: body, whole=True), *warned)

    async def patch(self, request: Request, target: Target, user: User) -> Response:
        """Patch an object or its status, in one of the three formats."""
        allowed: tuple[str, ...] = (parse.JSON_PATCH, parse.MERGE)
        if not target.kind.custom:
            allowed = (*allowed, parse.STRATEGIC)
        if parse.media_type(request) in parse.APPLY:
            raise status.no_apply((*allowed,))
        if request.param("force"):
            raise status.bad_request("force is for server-side apply, which the sandbox does not serve")
        body = await parse.read_json(request, allowed)
        if body is None:
            raise status.bad_request("the body of a patch must not be empty")
        change = patches.change(parse.media_type(request), body, target.kind.resource)

        warnings: list[str] = []

        def checked(old: Object) -> Object:
            new = change(old)
            mode = request.param("fieldValidation")
            try:
                warnings.extend(strict.check(mode, target.kind, new, "PatchOptions"))
            except ApiError as error:
                raise status.unpatchable(error.message) if mode == "Strict" else error from None
            return new

        with _said(warnings):
            response = self._change(request, target, user, checked, whole=False)
        return with_warnings(response, *warnings)

    def _change(
        self, request: Request, target: Target, user: User, change: Change, *, whole: bool
    ) -> Response:
        missing = self.registry.store.get(target.kind, target.namespace, target.name) is None
        if whole and missing and target.kind.created_by_update:
            made = self.registry.create(
                target.kind,
                target.namespace,
                change({}),
                name=target.name,
                dry_run=dry_run(parse.dry_run_values(request), "UpdateOptions"),
                check=self._grant_check(user, target.kind),
                user=user.info(),
            )
            return reading.raw_response(encode(made), 201)
        new = self.registry.update(
            target.kind,
            target.namespace,
            target.name,
            change,
            subresource=target.subresource,
            whole=whole,
            dry_run=dry_run(parse.dry_run_values(request), "UpdateOptions" if whole else "PatchOptions"),
            check=self._grant_check(user, target.kind),
            user=user.info(),
        )
        return with_warnings(reading.raw_response(encode(new)), *self.registry.admission.warnings)

    async def delete(self, request: Request, target: Target, user: User) -> Response:
        """Delete one object."""
        options = options_from(*await _delete_options(request))
        answer = self.registry.delete(target.kind, target.namespace, target.name, options, user=user.info())
        return reading.raw_response(encode(answer))

    async def delete_collection(self, request: Request, target: Target, user: User) -> Response:
        """Delete what a selection finds, and answer with it."""
        options = options_from(*await _delete_options(request))
        kind = target.kind
        match = matcher(
            kind, target.namespace, request.param("labelSelector"), request.param("fieldSelector")
        )
        answers = []
        for record in self.registry.store.select(kind, target.namespace):
            if match(record) and self.registry.store.by_uid(record.uid) is not None:
                self.registry.delete(kind, record.namespace, record.name, options, user=user.info())
                answers.append(json.loads(record.raw))
        head: Object = {"kind": kind.listed, "apiVersion": kind.resource.api_version}
        head["metadata"] = {"resourceVersion": str(self.registry.store.revision)}
        if kind.custom:
            head["metadata"]["continue"] = ""
        items = [reading.item(kind, answer) for answer in answers]
        return reading.raw_response(encode({**head, "items": items}))


@contextlib.contextmanager
def _said(warnings: list[str]) -> Iterator[None]:
    """Give what was said of a body to the error that it comes to, too."""
    try:
        yield
    except ApiError as error:
        error.warnings += warnings
        raise


def with_warnings(response: Response, *warnings: str) -> Response:
    """Return an answer with warnings in its head."""
    found = [response.headers["warning"]] if "warning" in response.headers else []
    for warning in filter(None, warnings):
        text = warning.replace("\\", "\\\\").replace('"', '\\"').encode("ascii", "replace").decode()
        found.append(f'299 - "{text}"')
    if found:
        response.headers = {**response.headers, "warning": ", ".join(found)}
    return response


def _whole(body: Any, kind: Kind) -> Object:
    if isinstance(body, dict):
        return body
    why = "unexpected end of JSON input (<empty>)"
    if body is not None:
        why = f"json: cannot unmarshal {json_type(body)} into an object"
    raise status.bad_request(
        f"the object provided is unrecognized (must be of type {kind.resource.kind}): couldn't get"
        f" version/kind; json parse error: {why}"
    )


async def _delete_options(request: Request) -> tuple[Any, dict[str, Any]]:
    body = await parse.read_json(request)
    query: dict[str, Any] = {
        name: request.param(name)
        for name in ("gracePeriodSeconds", "propagationPolicy", "orphanDependents")
        if request.param(name)
    }
    if parse.dry_run_values(request):
        query["dryRun"] = parse.dry_run_values(request)
    return (body if body is not None else {}), query
