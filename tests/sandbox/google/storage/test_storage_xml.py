"""The XML API: multipart uploads to the byte, everything else refused in its own form of errors."""

from __future__ import annotations

import random

import pytest

MIB = 1024 * 1024


def begin(storage, name="a", **kwargs):
    answer = storage.ask("POST", f"/lab-bucket/{name}?uploads", **kwargs)
    assert answer.status == 200, answer.body
    return answer.body.decode().partition("<UploadId>")[2].partition("<")[0]


def part(storage, upload, number, data, name="a", **kwargs):
    return storage.ask("PUT", f"/lab-bucket/{name}?partNumber={number}&uploadId={upload}", data, **kwargs)


def finish(storage, upload, parts, name="a"):
    body = "".join(f"<Part><PartNumber>{n}</PartNumber><ETag>{etag}</ETag></Part>" for n, etag in parts)
    text = f"<CompleteMultipartUpload>{body}</CompleteMultipartUpload>".encode()
    return storage.ask("POST", f"/lab-bucket/{name}?uploadId={upload}", text)


@pytest.mark.parametrize(
    ("method", "target", "headers", "status", "code", "text"),
    [
        ("GET", "/lab-bucket/a", {}, 501, "NotImplemented", "XML API"),
        ("GET", "/lab-bucket/a?X-Goog-Signature=1", {}, 501, "NotImplemented", "signed URLs"),
        ("PUT", "/lab-bucket/a", {}, 501, "NotImplemented", "XML API"),
        ("GET", "/lab-bucket?uploads", {}, 501, "NotImplemented", "XML API"),
        ("GET", "/lab-bucket/a?uploadId=x", {}, 501, "NotImplemented", "XML API"),
        ("POST", "/lab-bucket/a?uploads&x=y", {}, 501, "NotImplemented", "XML API"),
        ("POST", "/absent/a?uploads", {}, 404, "NoSuchBucket", "bucket does not exist"),
        ("POST", "/lab-bucket/?uploads", {}, 400, "InvalidArgument", "Required"),
        ("POST", "/lab-bucket/a?uploads", {"x-goog-meta-a": "x" * 9000}, 400, "InvalidArgument", "8192"),
        ("POST", "/lab-bucket/a?uploads", {"x-goog-storage-class": "FAST"}, 400, "InvalidArgument", "FAST"),
        (
            "POST",
            "/lab-bucket/a?uploads",
            {"x-goog-encryption-kms-key-name": "k"},
            501,
            "NotImplemented",
            "customer-managed",
        ),
        ("PUT", "/lab-bucket/a?partNumber=1&uploadId=x", {}, 404, "NoSuchUpload", "was not found"),
        ("DELETE", "/lab-bucket/a?uploadId=x", {}, 404, "NoSuchUpload", "was not found"),
    ],
)
def test_refused_in_its_own_form(storage, method, target, headers, status, code, text):
    answer = storage.ask(method, target, headers=headers)
    assert (answer.status, answer.xml_code, text in answer.error) == (status, code, True), answer.body
    assert answer.headers["content-type"] == "application/xml; charset=UTF-8"


def test_host_names_may_carry_the_bucket(storage):
    host = {"host": "lab-bucket.storage.googleapis.com"}
    answer = storage.ask("POST", "/dir/a%2Bb?uploads", headers=host)
    assert b"<Bucket>lab-bucket</Bucket><Key>dir/a+b</Key>" in answer.body
    assert storage.ask("GET", "/dir/a", headers=host).xml_code == "NotImplemented"


@pytest.mark.parametrize("number", ["0", "10001", "-1", "x", ""])
def test_numbers_of_parts(storage, number):
    assert part(storage, begin(storage), number, b"x").status == 400


def test_parts_survive_the_death_of_the_server_and_go_with_their_upload(storage):
    data = random.Random(3).randbytes(5 * MIB + 9)
    upload, other = begin(storage, headers={"x-goog-meta-k": "v"}), begin(storage, "b")
    one = part(storage, upload, 1, data[: 5 * MIB])
    part(storage, other, 1, b"dropped", "b")
    storage.restart()
    two = part(storage, upload, 2, data[5 * MIB :])
    assert len(storage.files()) == 3
    done = finish(storage, upload, [(1, one.headers["etag"]), (2, two.headers["etag"])])
    assert done.status == 200
    assert storage.get("a", "?alt=media").body == data
    assert storage.get("a").json["metadata"] == {"k": "v"}
    assert storage.ask("DELETE", f"/lab-bucket/b?uploadId={other}").status == 204
    assert len(storage.files()) == 1


def test_broken_part_leaves_nothing(storage):
    upload = begin(storage)
    assert part(storage, upload, 1, [b"x" * 100_000, None]).status == 499
    assert (
        part(storage, upload, 1, b"x", headers={"x-goog-hash": "md5=AAAAAAAAAAAAAAAAAAAAAA=="}).status == 400
    )
    assert storage.files() == []


def test_completion_judges_the_right_to_overwrite(storage):
    name = "users%2Fada%2Fr"
    answer = storage.ask("POST", f"/lab-bucket/{name}?uploads", account="wf-ada")
    upload = answer.body.decode().partition("<UploadId>")[2].partition("<")[0]
    etag = part(storage, upload, 1, b"x", name, account="wf-ada").headers["etag"]
    storage.put(name, b"first")
    text = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part></CompleteMultipartUpload>"
    refused = storage.ask("POST", f"/lab-bucket/{name}?uploadId={upload}", text.encode(), account="wf-ada")
    assert (refused.status, refused.xml_code) == (403, "AccessDenied")
    assert "storage.objects.delete" in refused.error
    assert storage.get(name, "?alt=media").body == b"first"
    assert storage.ask("POST", f"/lab-bucket/{name}?uploadId={upload}", text.encode()).status == 200


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<",
        b"text",
        b"<a/>",
        b"<CompleteMultipartUpload><Part/></CompleteMultipartUpload>",
        b"<CompleteMultipartUpload><Part><PartNumber>x</PartNumber></Part></CompleteMultipartUpload>",
        b"<CompleteMultipartUpload><Part><PartNumber>9999999</PartNumber></Part></CompleteMultipartUpload>",
        b'<!DOCTYPE a [<!ENTITY b "c">]><CompleteMultipartUpload>&b;</CompleteMultipartUpload>',
        b"<CompleteMultipartUpload>" + b"<a>" * 5000,
    ],
)
def test_malformed_ends(storage, body):
    upload = begin(storage)
    answer = storage.ask("POST", f"/lab-bucket/a?uploadId={upload}", body)
    assert (answer.status, answer.xml_code) == (400, "MalformedCompleteMultipartUploadRequest")


def test_fuzzed_ends_get_an_answer(storage):
    dice, upload = random.Random(11), begin(storage)
    etag = part(storage, upload, 1, b"x").headers["etag"]
    good = (
        f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{etag}</ETag></Part>"
        "</CompleteMultipartUpload>"
    ).encode()
    for _ in range(300):
        body = bytearray(good)
        for _ in range(dice.choice((1, 2, 5))):
            body[dice.randrange(len(body))] = dice.randrange(256)
        answer = storage.ask("POST", f"/lab-bucket/a?uploadId={upload}", bytes(body))
        assert answer.status in (200, 400, 404), body
        if answer.status == 200:
            upload = begin(storage)
            part(storage, upload, 1, b"x")
