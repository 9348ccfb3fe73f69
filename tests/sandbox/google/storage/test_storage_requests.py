"""The JSON API itself: refusals by name, error bodies, partial responses, headers, garbage."""

from __future__ import annotations

import gzip
import json
import random
import zlib

import pytest

B = "/storage/v1/b/lab-bucket"
UP = "/upload/storage/v1/b/lab-bucket/o"


@pytest.mark.parametrize(
    ("method", "target", "headers", "status", "text"),
    [
        ("GET", "/lab-bucket/a", {}, 501, "XML API and signed URLs"),
        ("PUT", "/lab-bucket/a?X-Goog-Signature=1", {}, 501, "XML API and signed URLs"),
        ("GET", f"{B}/acl", {}, 400, "uniform bucket-level access"),
        ("GET", f"{B}/defaultObjectAcl", {}, 400, "uniform bucket-level access"),
        ("GET", f"{B}/o/a/acl", {}, 400, "uniform bucket-level access"),
        ("GET", f"{B}/o/a/iam", {}, 501, "policies of objects"),
        ("GET", f"{B}/notificationConfigs", {}, 501, "notifications"),
        ("POST", f"{B}/lockRetentionPolicy", {}, 501, "retention policies"),
        ("GET", "/storage/v1/projects/p/hmacKeys", {}, 501, "HMAC keys"),
        ("POST", f"{B}/o/a/moveTo/o/b", {}, 501, "move"),
        ("POST", f"{B}/o/watch", {}, 501, "watch"),
        ("GET", f"{B}/folders", {}, 501, "bucket feature"),
        ("GET", f"{B}/o?softDeleted=true", {}, 501, "'softDeleted'"),
        ("GET", f"{B}/o?filter=x", {}, 501, "'filter'"),
        ("GET", f"{B}/o?matchGlob=*&delimiter=/", {}, 501, "matchGlob together"),
        ("GET", f"{B}?userProject=other", {}, 501, "requester pays"),
        ("GET", f"{B}?projection=some", {}, 400, "projection"),
        ("GET", f"{B}?alt=media", {}, 400, "alt"),
        ("GET", f"{B}/o/a?alt=xml", {}, 400, "alt"),
        ("GET", f"{B}/o/a", {"x-goog-encryption-algorithm": "AES256"}, 501, "customer-supplied encryption"),
        ("DELETE", f"{B}/o/a", {"if-match": "x"}, 501, "if-match"),
        ("POST", f"{UP}?uploadType=media&name=a&kmsKeyName=k", {}, 501, "'kmsKeyName'"),
        ("POST", f"{UP}?uploadType=media&name=a&predefinedAcl=private", {}, 400, "uniform bucket-level"),
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


def test_headers_of_a_download(storage):
    storage.put("a", b"0123456789", headers={"content-type": "text/plain"})
    storage.ask("PATCH", f"{B}/o/a", {"contentDisposition": "attachment", "contentLanguage": "de"})
    resource = storage.get("a").json
    answer = storage.get("a", "?alt=media")
    assert answer.headers["x-goog-generation"] == resource["generation"]
    assert answer.headers["x-goog-metageneration"] == "2"
    assert answer.headers["x-goog-hash"] == f"crc32c={resource['crc32c']},md5={resource['md5Hash']}"
    assert answer.headers["etag"] == resource["etag"]
    assert answer.headers["content-type"] == "text/plain"
    assert answer.headers["content-disposition"] == "attachment"
    assert answer.headers["content-language"] == "de"
    assert answer.headers["x-goog-stored-content-length"] == "10"


@pytest.mark.parametrize(
    ("wanted", "status", "body", "content_range"),
    [
        ("bytes=0-3", 206, b"0123", "bytes 0-3/10"),
        ("bytes=0-", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=9-", 206, b"9", "bytes 9-9/10"),
        ("bytes=5-99", 206, b"56789", "bytes 5-9/10"),
        ("bytes=-2", 206, b"89", "bytes 8-9/10"),
        ("bytes=-99", 206, b"0123456789", "bytes 0-9/10"),
        ("bytes=5-2", 200, b"0123456789", None),
        ("bytes=-", 200, b"0123456789", None),
        ("bytes=0-1,3-4", 200, b"0123456789", None),
        ("lines=1-2", 200, b"0123456789", None),
        ("bytes=10-", 416, None, "bytes */10"),
        ("bytes=-0", 416, None, "bytes */10"),
    ],
)
def test_ranges(storage, wanted, status, body, content_range):
    storage.put("a", b"0123456789")
    answer = storage.get("a", "?alt=media", headers={"range": wanted})
    assert answer.status == status
    assert answer.headers.get("content-range") == content_range
    if body is not None:
        assert (answer.body, answer.headers["content-length"]) == (body, str(len(body)))


def test_large_objects_are_streamed_in_ranges(storage):
    data = random.Random(7).randbytes(3_000_000)
    storage.put("big", data)
    assert storage.get("big", "?alt=media").body == data
    answer = storage.get("big", "?alt=media", headers={"range": "bytes=100-2500000"})
    assert answer.body == data[100:2_500_001]


@pytest.mark.parametrize(
    ("data", "accept", "encoded", "body"),
    [
        (gzip.compress(b"plain" * 100_000), "gzip", True, None),
        (gzip.compress(b"plain" * 100_000), "", False, b"plain" * 100_000),
        (gzip.compress(b"a", mtime=0) + gzip.compress(b"b", mtime=0), "", False, b"ab"),
        (b"not gzip at all", "", False, b"not gzip at all"),
    ],
)
def test_gzip_on_the_way_out(storage, data, accept, encoded, body):
    storage.put("z", data, "&contentEncoding=gzip")
    answer = storage.get("z", "?alt=media", headers={"accept-encoding": accept} if accept else {})
    assert (answer.headers.get("content-encoding") == "gzip") is encoded
    assert answer.body == (data if body is None else body)
    assert answer.headers["x-goog-stored-content-encoding"] == "gzip"


def multipart(resource, media, mark="b", kind="text/plain", end="--"):
    return (
        f"--{mark}\r\ncontent-type: application/json\r\n\r\n{json.dumps(resource)}\r\n"
        f"--{mark}\r\ncontent-type: {kind}\r\n\r\n"
    ).encode() + media + f"\r\n--{mark}{end}\r\n".encode()  # fmt: skip


@pytest.mark.parametrize("size", [1, 2, 3, 7, 64, 100_000])
def test_multipart_in_pieces_of_any_size(storage, size):
    media = b"\r\n--a\r\n--" + bytes(range(256)) * 3 + b"\r\n-"
    body = multipart({"name": "m", "metadata": {"k": "v"}}, media)
    pieces = [body[i : i + size] for i in range(0, len(body), size)]
    answer = storage.ask(
        "POST",
        f"{UP}?uploadType=multipart",
        pieces,
        headers={"content-type": 'multipart/related; boundary="b"'},
    )
    assert (answer.status, answer.json["contentType"]) == (200, "text/plain")
    assert storage.get("m", "?alt=media").body == media


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"--b",
        b"--b\r\n\r\n{}\r\n--b--\r\n",
        multipart({"name": "m"}, b"x")[:-9],
        multipart({"name": "m"}, b"x", mark="other"),
        multipart({"name": "m"}, b"x", end="\r\ncontent-type: a\r\n\r\nthird\r\n--b--"),
        multipart({"name": 1}, b"x"),
        multipart({}, b"x"),
        multipart([], b"x"),
        multipart({"name": "m", "crc32c": "AAAAAA=="}, b"x"),
        b"--b\r\nno colon\r\n\r\n{}\r\n",
        b"--b\r\n\r\n" + b"x" * 300_000,
    ],
)
def test_malformed_multipart_stores_nothing(storage, body):
    answer = storage.ask(
        "POST", f"{UP}?uploadType=multipart", body, headers={"content-type": "multipart/related; boundary=b"}
    )
    assert answer.status == 400
    assert storage.files() == []


def test_client_that_goes_away_leaves_nothing(storage):
    answer = storage.put("a", [b"x" * 2_000_000, None])
    assert answer.status == 499
    assert storage.files() == []
    assert storage.get("a").status == 404


def test_refusal_reads_the_rest_of_an_upload_away(storage):
    storage.put("a")
    request = storage.request("POST", f"{UP}?uploadType=media&name=a&ifGenerationMatch=0", [b"x" * 1000] * 50)
    left = request.receive
    import asyncio

    answer = asyncio.run(storage.answer(request))
    assert answer.status == 412
    with pytest.raises(AssertionError, match="read twice"):
        asyncio.run(left())


def test_fuzzed_requests_get_an_answer(storage):
    """2,000 mutations of good requests: a 4xx or 501 with a reason, a success, but never an exception."""
    dice = random.Random(20261124)
    good = [
        ("GET", f"{B}/o?prefix=a&delimiter=/&maxResults=3&versions=true", b"", {}),
        ("GET", f"{B}/o/a?alt=media&generation=1", b"", {"range": "bytes=0-1"}),
        ("POST", f"{UP}?uploadType=media&name=a&ifGenerationMatch=0", b"data", {"x-goog-hash": "crc32c=AAAA"}),
        (
            "POST",
            f"{UP}?uploadType=multipart",
            multipart({"name": "f", "metadata": {"a": "b"}}, b"data"),
            {"content-type": "multipart/related; boundary=b"},
        ),
        ("POST", f"{UP}?uploadType=resumable&name=r", b'{"contentType": "a/b"}', {}),
        ("PATCH", f"{B}/o/a", b'{"metadata": {"a": null}, "contentType": "x/y"}', {}),
        ("POST", f"{B}/o/c/compose", b'{"sourceObjects": [{"name": "a", "generation": "1"}]}', {}),
        ("POST", f"{B}/o/a/rewriteTo/b/lab-bucket/o/z?ifSourceGenerationMatch=1", b"{}", {}),
        ("PATCH", B, b'{"labels": {"a": "b"}, "versioning": {"enabled": true}}', {}),
        ("PUT", f"{B}/iam", b'{"bindings": [{"role": "roles/browser", "members": ["user:a"]}]}', {}),
        ("POST", f"{B}/managedFolders", b'{"name": "a/"}', {}),
        ("POST", "/storage/v1/b?project=argovx-sandbox", b'{"name": "fuzzed", "location": "US"}', {}),
        (
            "POST",
            "/batch/storage/v1",
            b"--x\r\ncontent-id: <1>\r\n\r\nGET /storage/v1/b/lab-bucket HTTP/1.1\r\n\r\n\r\n--x--",
            {"content-type": "multipart/mixed; boundary=x"},
        ),
    ]  # fmt: skip
    token = storage.bearer("owner-ada")
    statuses = set()
    for _ in range(2000):
        method, target, body, headers = dice.choice(good)
        target, body = mutate(dice, target.encode()).decode("latin-1"), mutate(dice, body)
        headers = {k: mutate(dice, v.encode()).decode("latin-1") for k, v in headers.items()}
        if not target.isascii() or " " in target:
            continue
        answer = storage.ask(method, target, body, bearer=token, headers=headers)
        assert answer.status in (200, 204, 206, 308, 400, 403, 404, 405, 409, 410, 412, 416, 499, 501), (
            method, target, body, answer.body,
        )  # fmt: skip
        statuses.add(answer.status)
        if answer.status >= 400 and answer.status != 499:
            assert answer.error
    assert {200, 400, 404, 501} <= statuses


def mutate(dice, data):
    out = bytearray(data)
    for _ in range(dice.choice((0, 0, 1, 1, 2, 4))):
        if not out:
            break
        place = dice.randrange(len(out))
        kind = dice.randrange(4)
        if kind == 0:
            out[place] = dice.randrange(32, 127)
        elif kind == 1:
            del out[place : place + dice.randrange(1, 6)]
        elif kind == 2:
            out[place:place] = dice.choice(
                (b"{", b'"', b"%00", b"null", b"-1", b"[", b"/", b"&", b"\r\n", b"9" * 30)
            )
        else:
            out += out[:place]
    return bytes(out)


def test_zip_bomb_stays_small(storage):
    packed = zlib.compressobj(9, zlib.DEFLATED, 31)
    body = packed.compress(b"\0" * 20_000_000) + packed.flush()
    storage.put("bomb", body, "&contentEncoding=gzip")
    import asyncio

    async def largest():
        response = await storage.service.handle(storage.request("GET", f"{B}/o/bomb?alt=media"))
        return [len(chunk) async for chunk in response.body]

    sizes = asyncio.run(largest())
    assert (sum(sizes), max(sizes) <= 256 * 1024) == (20_000_000, True)
