"""Every call leaves a note for the audit log: who, what, which permission, and how it ended."""

from __future__ import annotations

import errno

import pytest

B = "/storage/v1/b/lab-bucket"


@pytest.fixture
def notes(storage):
    found = []
    storage.service._note = found.append
    return found


def test_success_denial_and_anonymous(storage, notes):
    storage.put("a")
    storage.get("a", account="nb-bob")
    storage.get("a", account=None)
    storage.get("a", bearer="avx1.unknown")
    storage.ask("GET", f"{B}/o?prefix=x", account="nb-bob")
    storage.ask("GET", "/lab-bucket/a")
    rows = [(n.method, n.principal.rpartition(":")[2], n.permission, n.outcome) for n in notes]
    assert rows == [
        ("storage.objects.create", "owner-ada", "storage.objects.create", "OK"),
        ("storage.objects.get", "nb-bob", "storage.objects.get", "PERMISSION_DENIED"),
        ("storage.objects.get", "", "storage.objects.get", "UNAUTHENTICATED"),
        ("storage.objects.get", "", "", "UNAUTHENTICATED"),
        ("storage.objects.list", "nb-bob", "storage.objects.list", "PERMISSION_DENIED"),
        ("GET /lab-bucket/a", "", "", "UNIMPLEMENTED"),
    ]
    assert notes[0].resource == "//storage.googleapis.com/projects/_/buckets/lab-bucket/objects/a"


def test_no_upload_id_is_noted(storage, notes):
    opened = storage.ask("POST", "/upload/storage/v1/b/lab-bucket/o?uploadType=resumable&name=r")
    place = "/" + opened.headers["location"].split("/", 3)[3]
    storage.ask("PUT", place, b"x", account=None)
    upload = place.partition("upload_id=")[2]
    assert len(notes) == 2
    assert all(upload not in str(note) for note in notes)


def test_a_resumable_upload_names_its_principal(storage, notes):
    opened = storage.ask("POST", "/upload/storage/v1/b/lab-bucket/o?uploadType=resumable&name=r")
    place = "/" + opened.headers["location"].split("/", 3)[3]
    storage.ask("PUT", place, b"x", account=None)
    storage.ask("PUT", "/upload/storage/v1/b/lab-bucket/o?upload_id=unknown", b"x", account=None)
    rows = [
        (n.method, n.principal.rpartition(":")[2], n.resource.rpartition("/")[2], n.outcome) for n in notes
    ]
    assert rows == [
        ("storage.objects.create", "owner-ada", "r", "OK"),
        ("storage.objects.create", "owner-ada", "r", "OK"),
        ("storage.objects.create", "", "", "NOT_FOUND"),
    ]


def test_chunks_over_the_xml_api(storage, notes):
    storage.ask("POST", "/lab-bucket/a?uploads", account="nb-bob")
    assert [(n.method, n.permission, n.outcome) for n in notes] == [
        ("storage.multipartUploads.initiate", "storage.multipartUploads.create", "PERMISSION_DENIED")
    ]


def test_a_call_is_answered_when_its_line_finds_no_room(storage, caplog):
    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    storage.service._note = full
    assert storage.put("a").status == 200
    assert storage.get("absent").status == 404
    assert "the audit line of storage.objects.create is lost" in caplog.text


def test_calls_of_a_batch_have_lines_of_their_own(storage, notes):
    calls = [f"GET {B}/o/a", f"DELETE {B}/o/b"]
    parts = "".join(
        f"--x\r\ncontent-id: <{i}>\r\n\r\n{call} HTTP/1.1\r\n\r\n\r\n" for i, call in enumerate(calls)
    )
    headers = {"content-type": "multipart/mixed; boundary=x"}
    storage.ask("POST", "/batch/storage/v1", f"{parts}--x--".encode(), headers=headers)
    storage.ask("POST", "/batch/storage/v1", b"--x--", headers=headers)
    rows = [(n.method, n.principal.rpartition(":")[2], n.outcome) for n in notes]
    assert rows == [
        ("storage.objects.get", "owner-ada", "NOT_FOUND"),
        ("storage.objects.delete", "owner-ada", "NOT_FOUND"),
        ("storage.batch", "", "INVALID_ARGUMENT"),
    ]


def test_upload_id_is_not_stored(storage):
    opened = storage.ask("POST", "/upload/storage/v1/b/lab-bucket/o?uploadType=resumable&name=r")
    place = "/" + opened.headers["location"].split("/", 3)[3]
    upload = place.partition("upload_id=")[2].encode()
    storage.store.close()
    for path in storage.folder.rglob("*"):
        assert path.is_dir() or upload not in path.read_bytes()
    storage.open()
