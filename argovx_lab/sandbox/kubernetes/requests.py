"""What a request to the API server means: its target, its options, its body.

Owns paths, query options, media types and JSON; an option that is not honoured is refused by name.
Source: https://kubernetes.io/docs/reference/using-api/api-concepts/
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import Any, NoReturn
from urllib.parse import unquote

from argovx_lab.sandbox.http import BodyTooLarge, Request
from argovx_lab.sandbox.kubernetes import status, tables
from argovx_lab.sandbox.kubernetes.history import encode
from argovx_lab.sandbox.kubernetes.kinds import Kind, Kinds
from argovx_lab.sandbox.kubernetes.protobuf import decoding as protobuf
from argovx_lab.sandbox.kubernetes.reviews import REVIEWS

#: Longest body that is read. Unit: bytes. Source: the real server's limit, measured.
BODY_MAX = 3 * 1024 * 1024

#: Deepest nesting of a body; what is kept must be readable everywhere. Unit: levels.
DEPTH_MAX = 250

MERGE = "application/merge-patch+json"
JSON_PATCH = "application/json-patch+json"
STRATEGIC = "application/strategic-merge-patch+json"
#: Server-side apply, which is refused by name.
APPLY = ("application/apply-patch+yaml", "application/apply-patch+cbor")

_WRITE = {"pretty", "dryRun", "fieldManager", "fieldValidation"}
_SELECT = {"labelSelector", "fieldSelector"}
_LIST = _SELECT | {"pretty", "limit", "continue", "resourceVersion", "resourceVersionMatch", "timeoutSeconds"}
_DELETE = {"pretty", "dryRun", "gracePeriodSeconds", "propagationPolicy", "orphanDependents"}
OPTIONS: dict[str, set[str]] = {
    "get": {"pretty", "resourceVersion", "includeObject"},
    "list": _LIST | {"watch", "allowWatchBookmarks", "includeObject"},
    "watch": _LIST - {"limit", "continue"} | {"watch", "allowWatchBookmarks", "includeObject"},
    "create": _WRITE,
    "update": _WRITE,
    "patch": _WRITE | {"force"},
    "delete": _DELETE,
    "deletecollection": _DELETE | _LIST,
}
#: A bound of one request, such as ``30s`` or ``1m30s``. Source: Go's time.ParseDuration
_DURATION = re.compile(r"[-+]?((\d{1,18}(\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h))+|0")
LOG_OPTIONS = {
    *("container", "follow", "tailLines", "timestamps", "sinceSeconds", "pretty", "previous"),
    "limitBytes",
}


@dataclass(frozen=True)
class Target:
    """The resource part of a path.

    Parameters
    ----------
    verb : str
        As RBAC spells it.
    """

    kind: Kind
    verb: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""


def segments(request: Request) -> list[str]:
    """Return the decoded parts of a path; a trailing slash does not count."""
    return [unquote(part) for part in request.raw_path.split("?")[0].strip("/").split("/")]


def target_of(kinds: Kinds, request: Request, parts: list[str]) -> Target:
    """Return what a resource path names; 404 for a kind that is not served, 405 for a wrong method."""
    group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and (rest[2] != "status" or len(rest) > 3):
        namespace, rest = rest[1], rest[2:]
    plural, name, subresource = rest[0], *[*rest[1:3], "", ""][:2]
    kind = kinds.at(group, version, plural)
    if kind is None:
        where = f"{group}/{version}" if group else version
        raise status.not_served(f"the sandbox does not serve {plural} in {where}")
    if len(rest) > 3 or any(not part for part in rest) or bool(namespace) > kind.resource.namespaced:
        raise status.unknown_path()
    if name and kind.resource.namespaced and not namespace:
        raise status.unknown_path()
    if subresource and subresource not in (*kind.subresources, *(["status"] if kind.status else [])):
        raise status.not_served(f"the sandbox does not serve {kind.id}/{subresource}")
    return Target(kind, _verb(request, kind, namespace, name, subresource), namespace, name, subresource)


def _verb(request: Request, kind: Kind, namespace: str, name: str, subresource: str) -> str:
    method = request.method
    if not name:
        verbs = {"GET": "list", "HEAD": "list", "POST": "create", "DELETE": "deletecollection"}
        if method == "GET" and boolean(request, "watch"):
            return "watch"
        if kind.resource.namespaced and not namespace and method not in ("GET", "HEAD"):
            raise status.wrong_method()
        if kind.id == "namespaces" and method == "DELETE":
            raise status.wrong_method()
    elif subresource == "log":
        verbs = {"GET": "get"}
    elif subresource in kind.subresources:
        verbs = {"POST": "create"}
    else:
        verbs = {"GET": "get", "HEAD": "get", "PUT": "update", "PATCH": "patch"}
        if not subresource:
            verbs["DELETE"] = "delete"
    if method not in verbs:
        raise status.wrong_method()
    return verbs[method]


def review_of(parts: list[str]) -> Any:
    """Return the review that a path names, or ``None``."""
    for review in REVIEWS:
        if parts == ["apis", review.group, review.version, review.plural]:
            return review
    return None


def check_options(request: Request, allowed: set[str]) -> None:
    """Refuse query options that are not honoured, by name."""
    if any(name == "sendInitialEvents" for name, _ in request.query):
        raise status.bad_request(
            "sendInitialEvents is not served by the sandbox: list first, then watch from its resourceVersion"
        )
    for name, text in request.query:
        if name == "timeout":
            _check_timeout(text)
        elif name not in allowed:
            known = ", ".join(sorted(allowed))
            raise status.bad_request(
                f"query option {status.shown(name)} is not served here; the options are {known}"
            )


def _check_timeout(text: str) -> None:
    """Refuse a bound that is no duration; answers come long before any (client-go sends one)."""
    if text and not _DURATION.fullmatch(text):
        raise status.bad_request(
            f"invalid timeout specified in the request URL - {status.shown(text)} is no duration"
        )


def boolean(request: Request, name: str) -> bool:
    """Read a yes-or-no option; 400 for anything else."""
    text = request.param(name)
    if text.lower() in ("1", "true", "t"):
        return True
    if text.lower() in ("", "0", "false", "f"):
        return False
    raise status.bad_request(f"{name} {status.shown(text)} is neither true nor false")


def number(request: Request, name: str) -> int | None:
    """Read a whole number from 0; ``None`` when the option is absent; 400 for anything else."""
    text = request.param(name)
    if not text:
        return None
    if not text.isascii() or not text.isdigit() or len(text) > 18:
        raise status.bad_request(f"{name} {status.shown(text)} is no whole number")
    return int(text)


def check_accept(request: Request) -> None:
    """Refuse with 406 a caller that takes neither plain JSON nor, where people read, tables."""
    if request.method == "GET" and tables.wanted(request):
        return
    accept = request.headers.get("accept", "")
    for part in accept.split(",") if accept else []:
        media, *parameters = [piece.strip().lower() for piece in part.split(";")]
        if media in ("application/json", "*/*", "application/*") and not any(
            piece.startswith("as=") for piece in parameters
        ):
            return
    if accept:
        raise status.not_acceptable(["application/json"])


def media_type(request: Request) -> str:
    """Return the body's media type without parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def read_json(request: Request, allowed: tuple[str, ...] = ("application/json",)) -> Any:
    """Return the decoded body, ``None`` when there is none.

    Raises
    ------
    ApiError
        413 when it is too long, 415 for another format, 400 when it is no JSON.
    """
    try:
        body = await request.read(BODY_MAX)
    except BodyTooLarge:
        raise status.too_large(f"Request entity too large: limit is {BODY_MAX}") from None
    if not body:
        return None
    if media_type(request) == protobuf.MEDIA and allowed == ("application/json",):
        found = protobuf.decode(body)
        _check_depth(found)
        return found
    if media_type(request) not in (*allowed, *([""] if allowed == ("application/json",) else [])):
        raise status.unsupported_media(() if STRATEGIC in allowed else allowed)
    return decode(body, strict=request.param("fieldValidation") == "Strict")


def decode(body: bytes, *, strict: bool = False) -> Any:
    """Return JSON as Go reads it: no NaN; with ``strict`` no key twice. 400 when it is not that."""
    try:
        value = json.loads(
            body.decode("utf-8", "replace"),
            parse_constant=_no_constant,
            object_pairs_hook=_once if strict else None,
        )
        # half a surrogate pair can be written as an escape, but not kept as UTF-8
        value = json.loads(encode(value)) if b"\\ud" in body.lower() else value
        _check_depth(value)
        return value
    except (ValueError, RecursionError) as error:
        raise status.bad_request(
            f"the object provided is unrecognized (must be of type JSON): {status.shown(str(error))}"
        ) from error


def _check_depth(value: Any) -> None:
    level = [value] if isinstance(value, dict | list) else []
    for _ in range(DEPTH_MAX):
        if not level:
            return
        contents = (item.values() if isinstance(item, dict) else item for item in level)
        level = [inner for inside in contents for inner in inside if isinstance(inner, dict | list)]
    raise ValueError(f"it is nested more than {DEPTH_MAX} deep")


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key, value in pairs:
        if key in result:
            raise status.bad_request(f'strict decoding error: duplicate field "{key}"')
        result[key] = value
    return result


def dry_run_values(request: Request) -> list[str]:
    """Return every ``dryRun`` of the query."""
    return [value for name, value in request.query if name == "dryRun"]
