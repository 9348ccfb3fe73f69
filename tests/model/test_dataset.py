"""How datasets are written, and documents that somebody else may have written."""

import dataclasses
import hashlib
import json

import pytest

from argovx_lab.errors import SpecError
from argovx_lab.model.dataset import Wanted, is_reference, parse
from argovx_lab.model.dataset_records import (
    Alias,
    File,
    Manifest,
    Move,
    Version,
    read_alias,
    read_manifest,
    read_version,
)

DIGEST = hashlib.sha256(b"x").hexdigest()
MANIFEST = Manifest("iris", "path", "folder raw", DIGEST, 12, 7, (File("a/b.csv", 3, DIGEST),))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("dataset:iris@3", Wanted("iris", number=3)),
        ("iris", Wanted("iris")),
        ("iris-2@stable", Wanted("iris-2", alias="stable")),
        ("iris@sha256:0123abcd", Wanted("iris", digest="0123abcd")),
    ],
)
def test_a_version_is_named_by_number_alias_or_digest(text, wanted):
    assert parse(text) == wanted
    assert parse(wanted.text) == wanted


@pytest.mark.parametrize(
    "text",
    ["", "Iris", "iris@", "iris@0", "iris@-1", "iris@1.0", "iris@Stable", "iris@sha256:12", "../x", "a/b",
     "iris@1@2", "i" * 61, "iris@sha256:" + "g" * 8, "iris\n"],
)  # fmt: skip
def test_what_is_no_dataset_is_refused_with_what_is(text):
    with pytest.raises(SpecError) as error:
        parse(text)
    assert error.value.hint


def test_only_texts_with_the_scheme_are_references():
    assert [is_reference(v) for v in ("dataset:iris@3", "iris@3", 3, b"dataset:iris", "gs://b/o")] == [
        True, False, False, False, False,
    ]  # fmt: skip


def test_documents_come_back_as_they_were():
    assert read_manifest(MANIFEST.encode(), "iris", MANIFEST.version) == MANIFEST
    version = Version("iris", 3, DIGEST, "2026-11-24T09:00:00Z", "ada", "path raw")
    assert read_version(version.encode(), "iris", 3) == version
    alias = Alias("iris", "stable", 3, DIGEST, (Move("2026-11-24T09:00:00Z", "ada", 0, 3),))
    assert read_alias(alias.encode(), "iris", "stable") == alias


def changed(**fields):
    doc = {**json.loads(MANIFEST.encode()), **fields}
    return json.dumps(
        {k: v for k, v in doc.items() if v is not None},
        sort_keys=True,
        separators=(",", ":"),
        ensure_ascii=False,
    ).encode()


FILE = {"name": "a", "size_bytes": 1, "digest": DIGEST}

HOSTILE = {
    "not JSON": b"\x80\x05",
    "a list": b"[]",
    "deep": b"[" * 100_000,
    "another schema": changed(schema="argovx.dataset/2"),
    "another name": changed(name="other"),
    "a place of its own": changed(uri="gs://evil/x"),
    "no digest": changed(digest=None),
    "a digest that is a path": changed(digest="../" * 20 + "aaaa"),
    "a codec that runs": changed(codec="pickle"),
    "source as codec": changed(codec="function"),
    "a codec of odd letters": changed(codec="Path\x1b[2J"),
    "a negative length": changed(size_bytes=-1),
    "a length that is true": changed(size_bytes=True),
    "no generation": changed(generation=0),
    "a generation as text": changed(generation="7"),
    "files that are none": changed(files={"a": 1}),
    "a file that leaves": changed(files=[{**FILE, "name": "../a"}]),
    "an absolute file": changed(files=[{**FILE, "name": "/etc/passwd"}]),
    "a file with a line break": changed(files=[{**FILE, "name": "a\nb"}]),
    "a file twice": changed(files=[FILE, FILE]),
    "a file with more": changed(files=[{**FILE, "mode": 1}]),
    "blanks between": json.dumps(json.loads(MANIFEST.encode())).encode(),
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_hostile_manifest_is_refused_even_under_its_own_digest(what):
    data = HOSTILE[what]
    with pytest.raises(SpecError):
        read_manifest(data, "iris", hashlib.sha256(data).hexdigest())


def test_a_changed_manifest_is_no_version():
    other = dataclasses.replace(MANIFEST, size_bytes=13)
    with pytest.raises(SpecError, match="is not version"):
        read_manifest(other.encode(), "iris", MANIFEST.version)


@pytest.mark.parametrize(
    "fields", [{"number": 4}, {"name": "other"}, {"manifest": "x"}, {"by": 1}, {"more": 1}]
)
def test_a_record_of_another_number_or_shape_is_refused(fields):
    version = Version("iris", 3, DIGEST, "2026-11-24T09:00:00Z", "ada")
    with pytest.raises(SpecError):
        read_version(json.dumps({**json.loads(version.encode()), **fields}).encode(), "iris", 3)


@pytest.mark.parametrize("fields", [{"alias": "x"}, {"history": 1}, {"history": [{}]}, {"number": 0}])
def test_an_alias_of_another_shape_is_refused(fields):
    alias = Alias("iris", "stable", 3, DIGEST)
    with pytest.raises(SpecError):
        read_alias(json.dumps({**json.loads(alias.encode()), **fields}).encode(), "iris", "stable")
