"""Query parameters and headers of a request, checked: what the method does not honour is refused by name.

Owns what all methods share. Source: https://cloud.google.com/storage/docs/json_api/v1/parameters
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final

from argovx_lab.sandbox.google.iam import Iam
from argovx_lab.sandbox.google.storage import routes
from argovx_lab.sandbox.google.storage.errors import StorageError, acl, invalid, not_emulated
from argovx_lab.sandbox.http import Request

#: Parameters of every method; the last two change nothing about an answer's meaning.
_COMMON: Final = frozenset({"alt", "fields", "projection", "userProject", "prettyPrint", "quotaUser"})
#: google-cloud-storage 3.17 misspells this one in uploads; what is meant is honoured.
_ALIASES: Final = {"ifMetaGenerationNotMatch": "ifMetagenerationNotMatch"}
_ACLS: Final = frozenset({"predefinedAcl", "predefinedDefaultObjectAcl", "destinationPredefinedAcl"})
#: ACLs of a new bucket that say what uniform access says too: the project's own roles. gcsfs sends them.
_PROJECT_ACLS: Final = {
    "predefinedAcl": frozenset({"projectPrivate"}),
    "predefinedDefaultObjectAcl": frozenset({"projectPrivate", "bucketOwnerFullControl"}),
}
#: Header → what of Google's is refused with it.
HEADERS: Final[Mapping[str, str]] = {
    "x-goog-encryption-algorithm": "customer-supplied encryption keys",
    "x-goog-copy-source-encryption-algorithm": "customer-supplied encryption keys",
    "x-goog-encryption-kms-key-name": "customer-managed encryption keys",
    "x-goog-if-generation-match": "preconditions in headers",
    "x-goog-if-metageneration-match": "preconditions in headers",
    "x-http-method-override": "another method in a header",
    "if-modified-since": "conditions on times",
    "if-unmodified-since": "conditions on times",
    "if-range": "conditions on ranges",
}
_TAG_HEADERS: Final = ("if-match", "if-none-match")


def checked(request: Request, honoured: Collection[str], iam: Iam, *, media: bool) -> dict[str, str]:
    """Return the query parameters of a call of the JSON API.

    Parameters
    ----------
    honoured : collection of str
        What the method knows beside what all know.
    iam : Iam
        Knows the project.
    media : bool
        Whether the method has ``alt=media``.

    Raises
    ------
    StorageError
        400 or 501, naming the parameter or header that nothing would honour.
    """
    params = {_ALIASES.get(name, name): value for name, value in request.query}
    new_bucket = request.method == "POST" and request.path.endswith("/v1/b")
    for name in list(params):
        plain = _PROJECT_ACLS.get(name, frozenset()) if new_bucket else frozenset()
        if name in _ACLS and params[name] and params[name] not in plain:
            raise acl()
        if name in routes.OFF and name not in honoured and params[name].lower() == "false":
            del params[name]
        elif name not in _COMMON and name not in honoured and name not in _ACLS:
            raise not_emulated(f"the parameter {name!r} of {request.method} {request.path[:100]}")
    if params.get("alt", "json") not in ("json", "media" if media else "json"):
        raise invalid(f"Invalid value for alt: {params['alt'][:40]!r}.", "alt")
    # buckets have uniform access, so there is no ACL that "full" could add
    if params.get("projection", "noAcl") not in ("noAcl", "full"):
        raise invalid(f"Invalid value for projection: {params['projection'][:40]!r}.", "projection")
    if params.get("userProject", iam.project) not in (iam.project, iam.number):
        raise not_emulated("requester pays", "Leave userProject out.")
    check_headers(request, iam)
    return params


def check_headers(request: Request, iam: Iam) -> None:
    """Refuse headers that nothing honours; errors as :func:`checked`, and 403 for a foreign quota project."""
    for header, what in HEADERS.items():
        if header in request.headers:
            raise not_emulated(f"{what} ({header})")
    if request.method != "GET":
        for header in _TAG_HEADERS:
            if header in request.headers:
                raise not_emulated(f"the header {header} of {request.method}", "Use ifGenerationMatch.")
    project = request.headers.get("x-goog-user-project", iam.project)
    if project not in (iam.project, iam.number):
        raise StorageError(
            "PERMISSION_DENIED",
            f"Caller does not have required permission to use project {project[:80]}. Grant the caller the "
            "roles/serviceusage.serviceUsageConsumer role, or a custom role with the "
            "serviceusage.services.use permission.",
        )
