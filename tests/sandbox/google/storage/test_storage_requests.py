"""The JSON API itself: refusals by name, error bodies, partial responses, headers, garbage."""

from __future__ import annotations

import pytest

B = "/storage/v1/b/lab-bucket"
UP = "/upload/storage/v1/b/lab-bucket/o"


@pytest.mark.parametrize(
    ("method", "target", "headers", "status", "text"),
    [
        ("GET", f"{B}/acl", {}, 400, "uniform bucket-level access"),
        ("GET", f"{B}/defaultObjectAcl", {}, 400, "uniform bucket-level access"),
        ("GET", f"{B}/o/a/acl", {}, 400, "uniform bucket-level access"),
        ("GET", f"{B}/o/a/iam", {}, 501, "policies of objects"),
        ("GET", f"{B}/notificationConfigs", {}, 501, "notifications"),
        ("POST", f"{B}/lockRetentionPolicy", {}, 501, "retention policies"),
        ("GET", "/storage/v1/projects/p/hmacKeys", {}, 501, "HMAC keys"),
        ("POST", f"{B}/o/a/restore?generation=1", {}, 501, "restore"),
        ("POST", f"{B}/restore?generation=1", {}, 501, "restore"),
        ("GET", f"{B}/operations", {}, 501, "operations"),
        ("GET", f"{B}/anywhereCaches", {}, 501, "Anywhere Cache"),
        ("POST", "/storage/v1/channels/stop", {}, 501, "watch"),
        ("POST", f"{B}/o/watch", {}, 501, "watch"),
        ("GET", f"{B}/folders", {}, 501, "hierarchical namespaces"),
        ("GET", f"{B}/o?softDeleted=true", {}, 501, "'softDeleted'"),
        ("GET", f"{B}/o?filter=x", {}, 501, "'filter'"),
        ("GET", f"{B}/o?matchGlob=*&delimiter=-", {}, 400, "the delimiter must be '/'"),
        ("GET", f"{B}?userProject=other", {}, 501, "requester pays"),
        ("GET", f"{B}?projection=some", {}, 400, "projection"),
        ("GET", f"{B}?alt=media", {}, 400, "alt"),
        ("GET", f"{B}/o/a?alt=xml", {}, 400, "alt"),
        ("GET", f"{B}/o/a", {"x-goog-encryption-algorithm": "AES256"}, 501, "customer-supplied encryption"),
        ("DELETE", f"{B}/o/a", {"if-match": "x"}, 501, "if-match"),
        ("GET", f"{B}/o/a", {"if-modified-since": "x"}, 501, "if-modified-since"),
        ("GET", f"{B}/o/a?alt=media", {"if-range": "x"}, 501, "if-range"),
        ("DELETE", f"{B}/o/a", {"x-goog-if-generation-match": "1"}, 501, "x-goog-if-generation-match"),
        ("POST", f"{B}/o/a", {"x-http-method-override": "DELETE"}, 405, "POST"),
        ("GET", f"{B}/o/a", {"x-http-method-override": "DELETE"}, 501, "x-http-method-override"),
        ("GET", f"{B}", {"x-goog-user-project": "other"}, 403, "permission to use project other"),
        ("GET", "/storage/v1/b?project=argovx-sandbox&returnPartialSuccess=x", {}, 400, "boolean"),
        ("POST", f"{UP}?uploadType=media&name=a&kmsKeyName=k", {}, 501, "'kmsKeyName'"),
        ("POST", f"{UP}?uploadType=media&name=a&predefinedAcl=private", {}, 400, "uniform bucket-level"),
        (
            "POST",
            "/storage/v1/b?project=argovx-sandbox&predefinedAcl=publicRead",
            {},
            400,
            "uniform bucket-level",
        ),
        ("PATCH", f"{B}?predefinedAcl=projectPrivate", {}, 400, "uniform bucket-level"),
        ("POST", f"{UP}?uploadType=other&name=a", {}, 400, "upload type"),
        ("POST", f"{UP}?name=a", {}, 400, "upload type"),
        ("POST", f"{UP}?uploadType=media", {}, 400, "Required parameter: name"),
        ("POST", f"{UP}?uploadType=media&name=a&ifGenerationMatch=x", {}, 400, "Invalid unsigned value"),
        ("POST", f"{UP}?uploadType=media&name=a", {"x-goog-hash": "sha=1"}, 400, "Invalid hash"),
        ("POST", f"{UP}?uploadType=multipart", {"content-type": "text/plain"}, 400, "multipart/related"),
        ("GET", f"{B}/o/a?generation=-1", {}, 400, "Invalid unsigned value"),
        ("GET", f"{B}/o?maxResults=0", {}, 400, "maxResults"),
        ("GET", f"{B}/o?versions=yes", {}, 400, "Invalid boolean"),
        ("GET", f"{B}/o?pageToken=%21", {}, 400, "page token"),
        ("GET", f"{B}/o?matchGlob=%5Ba", {}, 400, "glob"),
        ("GET", f"{B}/o?matchGlob=%7Ba", {}, 400, "glob"),
        ("GET", f"{B}/o?includeFoldersAsPrefixes=true", {}, 400, "delimiter"),
        ("GET", f"{B}/o?fields=items(name", {}, 400, "field selection"),
        ("GET", f"{B}/o/%FF", {}, 400, "UTF-8"),
        ("GET", "/storage/v1/b", {}, 400, "Required parameter: project"),
        ("POST", "/storage/v1/b?project=argovx-sandbox", {}, 400, "Required parameter: name"),
        ("GET", f"{B}/iam/testPermissions", {}, 400, "permissions"),
        ("GET", f"{B}/iam?optionsRequestedPolicyVersion=7", {}, 400, "policy version"),
        ("PUT", "/storage/v1/b", {}, 405, "PUT"),
        ("GET", "/storage/v1/nothing", {}, 404, "not a path"),
        ("POST", f"{B}/o/a/compose", {}, 400, "sourceObjects"),
        ("POST", "/batch/storage/v1", {"content-type": "multipart/mixed; boundary=x"}, 400, "1 to 100"),
    ],
)
def test_refused_by_name(storage, method, target, headers, status, text):
    answer = storage.ask(method, target, headers=headers)
    assert (answer.status, text in answer.error) == (status, True), answer.body
    assert answer.json["error"]["errors"][0]["domain"] == "global"


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"retentionPolicy": {"retentionPeriod": "1"}}, "retentionPolicy"),
        ({"iamConfiguration": {"uniformBucketLevelAccess": {"enabled": False}}}, "uniform bucket-level"),
        ({"iamConfiguration": {"uniformBucketLevelAccess": "x"}}, "uniform bucket-level"),
        ({"iamConfiguration": 1}, "iamConfiguration"),
        ({"iamConfiguration": {"publicAccessPrevention": []}}, "publicAccessPrevention"),
        ({"softDeletePolicy": {"retentionDurationSeconds": "604800"}}, "soft delete"),
        ({"softDeletePolicy": "x"}, "soft delete"),
        ({"versioning": {"enabled": "yes"}}, "versioning"),
        ({"versioning": 1}, "versioning"),
        ({"labels": {"A": "b"}}, "label"),
        ({"labels": {"a": 1}}, "label"),
        ({"labels": 1}, "labels"),
        ({"labels": {f"l{i}": "x" for i in range(65)}}, "64 labels"),
        ({"storageClass": "FAST"}, "storage class"),
        ({"location": "MOON"}, "location"),
        ({"acl": [1]}, "uniform bucket-level access"),
        ({"website": {"mainPageSuffix": "x"}}, "website"),
        ({"surprise": 1}, "surprise"),
    ],
)
def test_bucket_fields_that_are_not_honoured(storage, body, text):
    answer = storage.ask("PATCH", B, body)
    assert answer.status in (400, 501)
    assert text in answer.error
    made = storage.ask("POST", "/storage/v1/b?project=argovx-sandbox", {"name": "new-bucket", **body})
    assert made.status in (400, 501)
    assert storage.ask("GET", "/storage/v1/b/new-bucket").status == 404


@pytest.mark.parametrize(
    ("body", "text"),
    [
        ({"temporaryHold": True}, "temporaryHold"),
        ({"eventBasedHold": True}, "eventBasedHold"),
        ({"retention": {"mode": "Locked"}}, "retention"),
        ({"kmsKeyName": "k"}, "kmsKeyName"),
        ({"acl": [{}]}, "uniform bucket-level access"),
        ({"surprise": 1}, "surprise"),
        ({"metadata": 1}, "metadata"),
        ({"metadata": {"a": 1}}, "metadata.a"),
        ({"metadata": {"a": "x" * 9000}}, "8192"),
        ({"contentType": 1}, "contentType"),
        ({"contentType": "a\r\nx: y"}, "control characters"),
        ({"contentDisposition": "☃"}, "Latin-1"),
        ({"customTime": "now"}, "customTime"),
        ({"storageClass": "COLDLINE"}, "rewrite"),
        ({"storageClass": "x"}, "storage class"),
    ],
)
def test_object_fields_that_are_not_honoured(storage, body, text):
    storage.put("a")
    for method in ("PATCH", "PUT"):
        answer = storage.ask(method, f"{B}/o/a", body)
        assert answer.status in (400, 501)
        assert text in answer.error
    assert storage.get("a").json["metageneration"] == "1"


def test_output_only_fields_are_ignored_as_at_google(storage):
    storage.put("a")
    resource = storage.get("a").json
    answer = storage.ask("PUT", f"{B}/o/a", {**resource, "size": "9", "metadata": {"k": "v"}})
    assert (answer.json["size"], answer.json["metadata"]) == ("1", {"k": "v"})


@pytest.mark.parametrize(
    ("mask", "found"),
    [
        ("name", {"name": "a"}),
        ("name,size", {"name": "a", "size": "1"}),
        ("metadata/k", {"metadata": {"k": "v"}}),
        ("metadata(k),name", {"metadata": {"k": "v"}, "name": "a"}),
        ("nothing", {}),
    ],
)
def test_partial_responses(storage, mask, found):
    storage.put("a")
    storage.ask("PATCH", f"{B}/o/a", {"metadata": {"k": "v", "l": "w"}})
    assert storage.get("a", f"?fields={mask}").json == found
    items = storage.ask("GET", f"{B}/o?fields=items({mask})").json.get("items", [{}])
    assert items == [found]
    assert storage.get("a", "?fields=*").json == storage.get("a").json
