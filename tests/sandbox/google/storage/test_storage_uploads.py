"""Uploads in one request to the byte: multipart bodies of any shape, refusals half way, garbage."""

from __future__ import annotations

import asyncio
import json
import random

import pytest

B = "/storage/v1/b/lab-bucket"
UP = "/upload/storage/v1/b/lab-bucket/o"


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
