"""The table of methods of the JSON API, and of the parameters that each one honours.

Owns nothing else: a path that is not here is refused, by name where it is one of Google's.
Source: https://cloud.google.com/storage/docs/json_api/v1
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from argovx_lab.sandbox.google.storage import preconditions
from argovx_lab.sandbox.google.storage.bucket_methods import BucketMethods
from argovx_lab.sandbox.google.storage.call import Call
from argovx_lab.sandbox.google.storage.copy_methods import CopyMethods
from argovx_lab.sandbox.google.storage.object_methods import ObjectMethods
from argovx_lab.sandbox.http import Response

#: Handlers whose names are not the API's own.
_VERBS: Final = {
    "_upload": "create",
    "get_layout": "getStorageLayout",
    "get_policy": "getIamPolicy",
    "set_policy": "setIamPolicy",
    "test_permissions": "testIamPermissions",
    "insert_folder": "insert",
    "list_folders": "list",
    "get_folder": "get",
    "delete_folder": "delete",
    "service_account": "serviceAccount.get",
}

Method = Callable[[Call], Awaitable[Response]]

_PAGES: Final = frozenset({"maxResults", "pageToken"})
_LISTING: Final = _PAGES | {
    "prefix",
    "delimiter",
    "includeTrailingDelimiter",
    "startOffset",
    "endOffset",
    "versions",
    "matchGlob",
    "includeFoldersAsPrefixes",
}
_OBJECT: Final = preconditions.NAMES | {"generation"}
_COPY: Final = preconditions.NAMES | preconditions.SOURCE_NAMES | {"sourceGeneration"}
_UPLOAD: Final = preconditions.NAMES | {"name", "uploadType", "contentEncoding"}


@dataclass(frozen=True)
class Route:
    """A method of the API: verb, path, what it runs, and the parameters it honours."""

    verb: str
    path: re.Pattern[str]
    method: Method
    params: frozenset[str]

    @property
    def name(self) -> str:
        """The method as audit logs name it: ``storage.objects.get``."""
        owner, _, verb = getattr(self.method, "__qualname__", "").rpartition(".")
        kind = "buckets" if owner == "BucketMethods" else "objects"
        for part in ("managedFolders", "projects"):
            kind = part if f"/{part}/" in self.path.pattern + "/" else kind
        return f"storage.{kind}.{_VERBS.get(verb, verb)}"


#: Path → what of Google's is refused there.
ABSENT: Final = {
    r"/notificationConfigs": "notifications",
    r"/projects/[^/]+/hmacKeys": "HMAC keys",
    r"/b/[^/]+/lockRetentionPolicy": "retention policies",
    r"/b/[^/]+/folders": "folders of hierarchical namespaces",
    r"/b/[^/]+/anywhereCaches": "Anywhere Cache",
    r"/b/[^/]+/(?:operations|relocate)": "relocation of buckets and long-running operations",
    r"/b/[^/]+/(?:o/[^/]+/)?restore": "restore after a soft delete",
    r"/b/[^/]+/o/(?:bulkRestore|watch)": "bulk restore and watch",
    r"/channels/stop": "watch",
    r"/o/[^/]+/iam": "policies of objects",
}


#: Parameters that nothing here honours, and that may be there all the same to say that they are off.
OFF: Final = frozenset(
    {
        "softDeleted",
        "enableObjectRetention",
        "overrideUnlockedRetention",
        "copySourceAcl",
        "deleteSourceObjects",
    }
)


def table(buckets: BucketMethods, objects: ObjectMethods, copies: CopyMethods, upload: Method) -> list[Route]:
    """Return all methods; ``upload`` is what takes uploads of every type."""
    base, bucket, name = r"(?:/download|)/storage/v1", r"/b/([^/]+)", r"/o/([^/]+)"
    folder = r"/managedFolders/([^/]+)"
    meta = preconditions.BUCKET_NAMES
    rows: list[tuple[str, str, Any, Any]] = [
        ("POST", f"{base}/b", buckets.insert, {"project"}),
        ("GET", f"{base}/b", buckets.list, _PAGES | {"project", "prefix", "returnPartialSuccess"}),
        ("GET", f"{base}{bucket}", buckets.get, meta),
        ("PATCH", f"{base}{bucket}", buckets.patch, meta),
        ("PUT", f"{base}{bucket}", buckets.update, meta),
        ("DELETE", f"{base}{bucket}", buckets.delete, meta),
        ("GET", f"{base}{bucket}/storageLayout", buckets.get_layout, {"prefix"}),
        ("GET", f"{base}{bucket}/iam", buckets.get_policy, {"optionsRequestedPolicyVersion"}),
        ("PUT", f"{base}{bucket}/iam", buckets.set_policy, ()),
        ("GET", f"{base}{bucket}/iam/testPermissions", buckets.test_permissions, {"permissions"}),
        ("GET", f"{base}{bucket}{name}/iam/testPermissions", buckets.test_permissions, {"permissions"}),
        ("GET", f"{base}{bucket}{folder}/iam/testPermissions", buckets.test_permissions, {"permissions"}),
        ("GET", f"{base}{bucket}{folder}/iam", buckets.get_policy, {"optionsRequestedPolicyVersion"}),
        ("PUT", f"{base}{bucket}{folder}/iam", buckets.set_policy, ()),
        ("POST", f"{base}{bucket}/managedFolders", buckets.insert_folder, ()),
        ("GET", f"{base}{bucket}/managedFolders", buckets.list_folders, {"prefix", "pageSize", "pageToken"}),
        ("GET", f"{base}{bucket}{folder}", buckets.get_folder, meta),
        ("DELETE", f"{base}{bucket}{folder}", buckets.delete_folder, meta | {"allowNonEmpty"}),
        ("GET", f"{base}/projects/([^/]+)/serviceAccount", buckets.service_account, ()),
        ("GET", f"{base}{bucket}/o", objects.list, _LISTING),
        ("GET", f"{base}{bucket}{name}", objects.get, _OBJECT),
        ("PATCH", f"{base}{bucket}{name}", objects.patch, _OBJECT),
        ("PUT", f"{base}{bucket}{name}", objects.update, _OBJECT),
        ("DELETE", f"{base}{bucket}{name}", objects.delete, _OBJECT),
        ("POST", f"{base}{bucket}{name}/compose", copies.compose, preconditions.NAMES),
        ("POST", f"{base}{bucket}{name}/copyTo{bucket}{name}", copies.copy, _COPY),
        (
            "POST",
            f"{base}{bucket}{name}/rewriteTo{bucket}{name}",
            copies.rewrite,
            _COPY | {"rewriteToken", "maxBytesRewrittenPerCall"},
        ),
        ("POST", f"{base}{bucket}{name}/moveTo{name}", copies.move, _COPY - {"sourceGeneration"}),
        ("POST", rf"(?:/resumable|)/upload/storage/v1{bucket}/o", upload, _UPLOAD),
    ]
    return [Route(verb, re.compile(path), method, frozenset(params)) for verb, path, method, params in rows]
