"""The table verb × resource × outcome of Cloud Storage, in the language of its own client only.

A row is a verb on a resource; each outcome is either tried or named as one that this verb cannot have. Against a
real project it creates two buckets per cell with a handful of small objects and deletes nothing but its own; at
list prices that is below one cent. ``denied`` needs a second identity and is skipped without one.
"""

from __future__ import annotations

import io
import uuid
from types import SimpleNamespace

import pytest
from google.api_core.exceptions import BadRequest, Conflict, Forbidden, NotFound, PreconditionFailed

OUTCOMES = {
    "success": None,
    "not found": NotFound,
    "conflict": Conflict,
    "denied": Forbidden,
    "invalid": BadRequest,
    "stale": PreconditionFailed,
    "page": None,
}


@pytest.fixture
def stage(client, bucket, become, request):
    """What a cell needs: a bucket with objects, names of what is not there, and who calls."""
    for name in ("o", "p"):
        bucket.blob(name).upload_from_string("data", content_type="text/plain")
    ask = client._connection.api_request
    ask("POST", f"{bucket.path}/managedFolders", data={"name": "f/"})
    ask("POST", f"{bucket.path}/managedFolders", data={"name": "g/"})
    caller = become("nb-bob") if request.node.callspec.params["outcome"] == "denied" else client
    return SimpleNamespace(
        client=caller,
        bucket=caller.bucket(bucket.name),
        nowhere=caller.bucket(f"lab-absent-{uuid.uuid4().hex[:8]}"),
        o=caller.bucket(bucket.name).blob("o"),
        no=caller.bucket(bucket.name).blob("absent"),
        bad=caller.bucket(bucket.name).blob("a\nb"),
        json=caller._connection.api_request,
    )


def raw(s, method, blob, **query):
    """One request about an object, with parameters that the client has no word for."""
    return s.json(method, blob.path, query_params=query)


def upload(blob, **kwargs):
    blob.upload_from_string("new", **kwargs)


def resumable(blob, **kwargs):
    class Unknown(io.BytesIO):
        """A stream of unknown size, which travels resumably."""

        def seekable(self):
            return False

    blob.chunk_size = 256 * 1024
    blob.upload_from_file(Unknown(bytes(300_000)), **kwargs)


def patched(blob, **kwargs):
    blob.metadata = {"a": "b"}
    blob.patch(**kwargs)


def labelled(bucket, labels, **kwargs):
    bucket.labels = labels
    bucket.patch(**kwargs)


def policy(bucket, member, etag=None):
    found = bucket.get_iam_policy(requested_policy_version=3)
    found.bindings.append({"role": "roles/storage.objectViewer", "members": {member}})
    found.etag = etag or found.etag
    bucket.set_iam_policy(found)


def create(s, name):
    made = s.client.create_bucket(name)
    made.delete()


def pages(items):
    found = [len(list(page)) for page in items.pages]
    assert len(found) >= 2
    assert set(found) == {1}


def folders(s, bucket, method="GET", name="", **kwargs):
    return s.json(method, f"{bucket.path}/managedFolders{name}", **kwargs)


def folder_pages(s):
    first = folders(s, s.bucket, query_params={"pageSize": 1})
    second = folders(s, s.bucket, query_params={"pageSize": 1, "pageToken": first["nextPageToken"]})
    assert [f["name"] for f in first["items"] + second["items"]] == ["f/", "g/"]


def folder_policy(s, name, bindings, **extra):
    found = folders(s, s.bucket, name=f"/{name}%2F/iam")
    return folders(s, s.bucket, "PUT", f"/{name}%2F/iam", data={**found, "bindings": bindings, **extra})


ANYBODY = "serviceAccount:nobody@example.iam.gserviceaccount.com"
STALE = {"if_generation_match": 1}

#: (resource, verb) → outcome → what is done; "without" names the outcomes that the verb cannot have.
TABLE = {
    ("bucket", "create"): {
        "success": lambda s: create(s, f"lab-{uuid.uuid4().hex[:12]}"),
        "conflict": lambda s: s.client.create_bucket(s.bucket.name),
        "denied": lambda s: s.client.create_bucket(f"lab-{uuid.uuid4().hex[:12]}"),
        "invalid": lambda s: s.client.create_bucket("NO"),
        "without": "not found, stale, page",
    },
    ("bucket", "get"): {
        "success": lambda s: s.bucket.reload(),
        "not found": lambda s: s.nowhere.reload(),
        "denied": lambda s: s.bucket.reload(),
        "invalid": lambda s: s.json("GET", s.bucket.path, query_params={"ifMetagenerationMatch": "x"}),
        "stale": lambda s: s.bucket.reload(if_metageneration_match=9),
        "without": "conflict, page",
    },
    ("bucket", "list"): {
        "success": lambda s: list(s.client.list_buckets(max_results=1)),
        "denied": lambda s: list(s.client.list_buckets()),
        "invalid": lambda s: s.json("GET", "/b", query_params={"project": s.client.project, "maxResults": 0}),
        "page": lambda s: pages(s.client.list_buckets(page_size=1, max_results=2)),
        "without": "not found, conflict, stale",
    },
    ("bucket", "patch"): {
        "success": lambda s: labelled(s.bucket, {"a": "b"}),
        "not found": lambda s: labelled(s.nowhere, {"a": "b"}),
        "denied": lambda s: labelled(s.bucket, {"a": "b"}),
        "invalid": lambda s: labelled(s.bucket, {"A B": "c"}),
        "stale": lambda s: labelled(s.bucket, {"a": "b"}, if_metageneration_match=9),
        "without": "conflict, page",
    },
    ("bucket", "update"): {
        "success": lambda s: s.bucket.update(),
        "not found": lambda s: s.nowhere.update(),
        "denied": lambda s: s.bucket.update(),
        "invalid": lambda s: s.json("PUT", s.bucket.path, data={"storageClass": "FAST"}),
        "stale": lambda s: s.bucket.update(if_metageneration_match=9),
        "without": "conflict, page",
    },
    ("bucket", "delete"): {
        "success": lambda s: s.bucket.delete(force=True),
        "not found": lambda s: s.nowhere.delete(),
        "conflict": lambda s: s.bucket.delete(),
        "denied": lambda s: s.bucket.delete(),
        "invalid": lambda s: s.json("DELETE", s.bucket.path, query_params={"ifMetagenerationMatch": "x"}),
        "stale": lambda s: s.bucket.delete(if_metageneration_match=9),
        "without": "page",
    },
    ("bucket", "getIamPolicy"): {
        "success": lambda s: s.bucket.get_iam_policy(),
        "not found": lambda s: s.nowhere.get_iam_policy(),
        "denied": lambda s: s.bucket.get_iam_policy(),
        "invalid": lambda s: s.bucket.get_iam_policy(requested_policy_version=9),
        "without": "conflict, stale, page",
    },
    ("bucket", "setIamPolicy"): {
        "success": lambda s: s.bucket.set_iam_policy(s.bucket.get_iam_policy(requested_policy_version=3)),
        "not found": lambda s: s.json("PUT", f"{s.nowhere.path}/iam", data={"bindings": []}),
        "denied": lambda s: s.json("PUT", f"{s.bucket.path}/iam", data={"bindings": []}),
        "invalid": lambda s: policy(s.bucket, "nobody"),
        "stale": lambda s: policy(s.bucket, ANYBODY, etag="AAAA"),
        "without": "conflict, page",
    },
    ("bucket", "testIamPermissions"): {
        "success": lambda s: s.bucket.test_iam_permissions(["storage.objects.get"]),
        "not found": lambda s: s.nowhere.test_iam_permissions(["storage.objects.get"]),
        "invalid": lambda s: s.bucket.test_iam_permissions(["storage.objects.juggle"]),
        # who may nothing is told so, and that is no denial
        "without": "denied, conflict, stale, page",
    },
    ("managed folder", "create"): {
        "success": lambda s: folders(s, s.bucket, "POST", data={"name": "new/"}),
        "not found": lambda s: folders(s, s.nowhere, "POST", data={"name": "new/"}),
        "conflict": lambda s: folders(s, s.bucket, "POST", data={"name": "f/"}),
        "denied": lambda s: folders(s, s.bucket, "POST", data={"name": "new/"}),
        "invalid": lambda s: folders(s, s.bucket, "POST", data={"name": "no slash"}),
        "without": "stale, page",
    },
    ("managed folder", "get"): {
        "success": lambda s: folders(s, s.bucket, name="/f%2F"),
        "not found": lambda s: folders(s, s.bucket, name="/absent%2F"),
        "denied": lambda s: folders(s, s.bucket, name="/f%2F"),
        "invalid": lambda s: folders(s, s.bucket, name="/f%2F", query_params={"ifMetagenerationMatch": "x"}),
        "stale": lambda s: folders(s, s.bucket, name="/f%2F", query_params={"ifMetagenerationMatch": 9}),
        "without": "conflict, page",
    },
    ("managed folder", "list"): {
        "success": lambda s: folders(s, s.bucket),
        "not found": lambda s: folders(s, s.nowhere),
        "denied": lambda s: folders(s, s.bucket),
        "invalid": lambda s: folders(s, s.bucket, query_params={"pageSize": "x"}),
        "page": folder_pages,
        "without": "conflict, stale",
    },
    ("managed folder", "delete"): {
        "success": lambda s: folders(s, s.bucket, "DELETE", "/f%2F", expect_json=False),
        "not found": lambda s: folders(s, s.bucket, "DELETE", "/absent%2F"),
        "conflict": lambda s: (upload(s.bucket.blob("f/a")), folders(s, s.bucket, "DELETE", "/f%2F")),
        "denied": lambda s: folders(s, s.bucket, "DELETE", "/f%2F"),
        "invalid": lambda s: folders(s, s.bucket, "DELETE", "/f%2F", query_params={"allowNonEmpty": "maybe"}),
        "stale": lambda s: folders(s, s.bucket, "DELETE", "/f%2F", query_params={"ifMetagenerationMatch": 9}),
        "without": "page",
    },
    ("managed folder", "setIamPolicy"): {
        "success": lambda s: folder_policy(s, "f", []),
        "not found": lambda s: folder_policy(s, "absent", []),
        "denied": lambda s: folder_policy(s, "f", []),
        "invalid": lambda s: folder_policy(s, "f", [{"role": "roles/nothing", "members": [ANYBODY]}]),
        "stale": lambda s: folder_policy(s, "f", [], etag="AAAA"),
        "without": "conflict, page",
    },
    ("object", "upload in one request"): {
        "success": lambda s: upload(s.no, if_generation_match=0),
        "not found": lambda s: upload(s.nowhere.blob("a")),
        "denied": lambda s: upload(s.no),
        "invalid": lambda s: upload(s.bad),
        "stale": lambda s: upload(s.o, **STALE),
        "without": "conflict, page",
    },
    ("object", "resumable upload"): {
        "success": lambda s: resumable(s.no, if_generation_match=0),
        "not found": lambda s: resumable(s.nowhere.blob("a")),
        "denied": lambda s: resumable(s.no),
        "invalid": lambda s: resumable(s.bad),
        "stale": lambda s: resumable(s.o, **STALE),
        "without": "conflict, page",
    },
    ("object", "get"): {
        "success": lambda s: s.o.reload(),
        "not found": lambda s: s.no.reload(),
        "denied": lambda s: s.o.reload(),
        "invalid": lambda s: raw(s, "GET", s.o, generation="x"),
        "stale": lambda s: s.o.reload(**STALE),
        "without": "conflict, page",
    },
    ("object", "download"): {
        "success": lambda s: s.o.download_as_bytes(),
        "not found": lambda s: s.no.download_as_bytes(),
        "denied": lambda s: s.o.download_as_bytes(),
        "invalid": lambda s: raw(s, "GET", s.o, alt="media", ifGenerationMatch="x"),
        "stale": lambda s: s.o.download_as_bytes(**STALE),
        "without": "conflict, page",
    },
    ("object", "list"): {
        "success": lambda s: list(s.bucket.list_blobs()),
        "not found": lambda s: list(s.nowhere.list_blobs()),
        "denied": lambda s: list(s.bucket.list_blobs()),
        "invalid": lambda s: list(s.bucket.list_blobs(page_token="nonsense!")),
        "page": lambda s: pages(s.bucket.list_blobs(page_size=1)),
        "without": "conflict, stale",
    },
    ("object", "patch"): {
        "success": lambda s: patched(s.o),
        "not found": lambda s: patched(s.no),
        "denied": lambda s: patched(s.o),
        "invalid": lambda s: s.json("PATCH", s.o.path, data={"metadata": {"a": 1}}),
        "stale": lambda s: patched(s.o, **STALE),
        "without": "conflict, page",
    },
    ("object", "update"): {
        "success": lambda s: s.o.update(),
        "not found": lambda s: s.no.update(),
        "denied": lambda s: s.o.update(),
        "invalid": lambda s: s.json("PUT", s.o.path, data={"storageClass": "FAST"}),
        "stale": lambda s: s.o.update(**STALE),
        "without": "conflict, page",
    },
    ("object", "delete"): {
        "success": lambda s: s.o.delete(),
        "not found": lambda s: s.no.delete(),
        "denied": lambda s: s.o.delete(),
        "invalid": lambda s: raw(s, "DELETE", s.o, generation="x"),
        "stale": lambda s: s.o.delete(**STALE),
        "without": "conflict, page",
    },
    ("object", "copy"): {
        "success": lambda s: s.bucket.copy_blob(s.o, s.bucket, "new"),
        "not found": lambda s: s.bucket.copy_blob(s.no, s.bucket, "new"),
        "denied": lambda s: s.bucket.copy_blob(s.o, s.bucket, "new"),
        "invalid": lambda s: s.bucket.copy_blob(s.o, s.bucket, "a\nb"),
        "stale": lambda s: s.bucket.copy_blob(s.o, s.bucket, "p", **STALE),
        "without": "conflict, page",
    },
    ("object", "rewrite"): {
        "success": lambda s: s.no.rewrite(s.o),
        "not found": lambda s: s.no.rewrite(s.bucket.blob("absent too")),
        "denied": lambda s: s.no.rewrite(s.o),
        "invalid": lambda s: s.no.rewrite(s.o, token="nonsense"),
        "stale": lambda s: s.no.rewrite(s.o, if_source_generation_match=1),
        "without": "conflict, page",
    },
    ("object", "move"): {
        "success": lambda s: s.bucket.move_blob(s.o, "new"),
        "not found": lambda s: s.bucket.move_blob(s.no, "new"),
        "denied": lambda s: s.bucket.move_blob(s.o, "new"),
        "invalid": lambda s: s.bucket.move_blob(s.o, "o"),
        "stale": lambda s: s.bucket.move_blob(s.o, "new", if_source_generation_match=1),
        "without": "conflict, page",
    },
    ("object", "compose"): {
        "success": lambda s: s.no.compose([s.o, s.o]),
        "not found": lambda s: s.no.compose([s.o, s.bucket.blob("absent too")]),
        "denied": lambda s: s.no.compose([s.o]),
        "invalid": lambda s: s.no.compose([s.o] * 33),
        "stale": lambda s: s.o.compose([s.o], **STALE),
        "without": "conflict, page",
    },
}  # fmt: skip


@pytest.mark.parametrize("row", TABLE, ids="-".join)
def test_every_outcome_is_tried_or_named_as_impossible(row):
    cells = dict(TABLE[row])
    without = set(cells.pop("without").split(", "))
    assert without | set(cells) == set(OUTCOMES)
    assert not without & set(cells)


CELLS = [(row, outcome) for row, cells in TABLE.items() for outcome in cells if outcome != "without"]


@pytest.mark.parametrize(("row", "outcome"), CELLS, ids=lambda v: v if isinstance(v, str) else "-".join(v))
def test_cell(stage, row, outcome):
    act, error = TABLE[row][outcome], OUTCOMES[outcome]
    if error is None:
        act(stage)
        return
    with pytest.raises(error):
        act(stage)
