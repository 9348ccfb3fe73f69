"""Calls of the vendor's clients with the outcome that each must have; creates nothing by itself.

A script says for one RPC what a good request is, and which request has which other outcome. Every call is made,
its outcome compared, and told in one line: ``:: JobService.GetCustomJob not_found``.
"""

import copy
import json
import os
import sys

import google.auth
import google.auth.transport.requests
from google.api_core import exceptions, operation

TRANSPORT = sys.argv[1]
REGION = os.environ.get("GOOGLE_CLOUD_LOCATION", "us-central1")
CREDENTIALS, PROJECT = google.auth.default(scopes=["https://www.googleapis.com/auth/cloud-platform"])
PARENT = f"projects/{PROJECT}/locations/{REGION}"
#: A project of somebody else: asking for anything in it must be denied.
FOREIGN = "somebody-elses-project-2026"
OUTCOMES = {
    "NOT_FOUND": "not_found",
    "ALREADY_EXISTS": "conflict",
    "PERMISSION_DENIED": "denied",
    "INVALID_ARGUMENT": "invalid",
    "OUT_OF_RANGE": "invalid",
    "FAILED_PRECONDITION": "precondition",
    "ABORTED": "stale",
}


def client(cls):
    """Return a regional client of Vertex AI over the transport under test."""
    options = {"api_endpoint": f"{REGION}-aiplatform.googleapis.com"}
    return cls(transport=TRANSPORT, client_options=options)


class Session:
    """A service whose generated client has no REST transport, asked over REST with google-auth's own session.

    Parameters
    ----------
    base : str
        URL of the API.
    methods : dict
        RPC in snake_case → verb, path with ``{field}``, and whether the rest of the request is the body.
    """

    def __init__(self, base, methods):
        self.base, self.methods = base, methods
        self.session = google.auth.transport.requests.AuthorizedSession(CREDENTIALS)

    def __getattr__(self, name):
        verb, path, has_body = self.methods[name]

        def call(request):
            rest = copy.deepcopy(request)
            url = path
            for field in [f for f in request if "{" + f + "}" in path]:
                url = url.replace("{" + field + "}", rest.pop(field))
            parts = {"json": rest} if has_body else {"params": flat(rest)}
            answer = self.session.request(verb, self.base + url, timeout=60, **parts)
            if not answer.ok:
                raise exceptions.from_http_response(answer)
            return answer.json()

        call.rest = True
        return call


def flat(value, prefix=""):
    """Return nested fields as query parameters: ``interval.endTime``."""
    found = {}
    for name, item in value.items():
        if isinstance(item, dict):
            found |= flat(item, f"{prefix}{name}.")
        else:
            found[prefix + name] = item
    return found


def status(error):
    """Return the canonical code of an error over either transport."""
    if getattr(error, "grpc_status_code", None) is not None:
        return error.grpc_status_code.name
    try:
        return error.response.json()["error"]["status"]
    except (AttributeError, KeyError, TypeError, json.JSONDecodeError):
        return type(error).__name__


def try_call(rpc, wanted, call, request):
    """Make one call and tell its outcome; return its answer when it has one."""
    try:
        answer = call(request=request)
        if isinstance(answer, operation.Operation):
            answer = answer.result(timeout=120)
        outcome = "ok"
    except exceptions.GoogleAPICallError as error:
        answer, code = None, status(error)
        outcome = OUTCOMES.get(code, code)
        if outcome != wanted:
            raise AssertionError(f"{rpc}: {wanted} was expected, not {error}") from error
    if outcome != wanted:
        raise AssertionError(f"{rpc}: {wanted} was expected, but it succeeded with {request}")
    sys.stdout.write(f":: {rpc} {outcome}\n")
    return answer


def elsewhere(value):
    """Return a request with the project replaced by somebody else's."""
    if isinstance(value, dict):
        return {name: elsewhere(item) for name, item in value.items()}
    if isinstance(value, list):
        return [elsewhere(item) for item in value]
    if isinstance(value, str):
        return value.replace(f"projects/{PROJECT}", f"projects/{FOREIGN}")
    return value


def merged(good, changes):
    """Return a request with some of its fields changed, in depth."""
    result = copy.deepcopy(good)
    for name, item in changes.items():
        deep = isinstance(item, dict) and isinstance(result.get(name), dict)
        result[name] = merged(result[name], item) if deep else item
    return result


def on_mars(value):
    """Return a request with the region replaced by one that does not exist."""
    if isinstance(value, dict):
        return {name: on_mars(item) for name, item in value.items()}
    return value.replace(f"/locations/{REGION}", "/locations/mars") if isinstance(value, str) else value


def rpc(service, name, good, *, denied=True, wrong=None, missing=None, conflict=False, stale=None, page=""):
    """Try every outcome of one RPC; return the answer to the good request.

    Parameters
    ----------
    service : client
        Whose method.
    name : str
        ``JobService.GetCustomJob``.
    good : dict
        A request that succeeds.
    denied : bool or dict
        Changes that make it denied; true: the same in somebody else's project.
    wrong, missing : dict
        Changes that make it invalid (by default a region that does not exist; false: nothing does), and
        that name something that is not there.
    conflict : bool
        Whether the same request again is a conflict.
    stale : dict
        Changes that carry an old etag; tried after the good request.
    page : str
        Field of the answer that holds the items: two pages of one item are read.
    """
    snake = "".join("_" + c.lower() if c.isupper() else c for c in name.rpartition(".")[2]).lstrip("_")
    call = getattr(service, snake)
    if denied:
        changed = elsewhere(good) if denied is True else merged(good, denied)
        try_call(name, "denied", call, changed)
    if wrong is not False:
        try_call(name, "invalid", call, on_mars(good) if wrong is None else merged(good, wrong))
    if missing is not None:
        try_call(name, "not_found", call, merged(good, missing))
    answer = try_call(name, "ok", call, good)
    if conflict:
        try_call(name, "conflict", call, good)
    if stale is not None:
        try_call(name, "stale", call, merged(good, stale))
    if page:
        pages(name, call, good, page)
    return answer


def pages(name, call, good, field):
    """Read two pages of one item each."""
    size = "pageSize" if getattr(call, "rest", False) else "page_size"
    first = call(request={**good, size: 1})
    if isinstance(first, dict):
        token, seen = first["nextPageToken"], first[field]
        second = call(request={**good, size: 1, "pageToken": token})[field]
    else:
        found = list(first.pages)
        seen, second = getattr(found[0], field), getattr(found[1], field)
    if len(seen) != 1 or len(second) != 1 or list(seen) == list(second):
        raise AssertionError(f"{name}: two pages of one item were expected")
    sys.stdout.write(f":: {name} page\n")
