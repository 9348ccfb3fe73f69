"""The table verb × resource × outcome of Cloud Storage, in the language of its own client only.

Against a real project it creates two buckets with a handful of small objects and deletes nothing but its
own; at list prices that is below one cent.
"""

from __future__ import annotations

import base64
import gc
import gzip
import hashlib
import io
import os
import uuid

import google_crc32c
import pytest
from google.api_core.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    GoogleAPICallError,
    NotFound,
    PreconditionFailed,
)
from google.auth.exceptions import InvalidOperation
from google.cloud import storage
from google.cloud.storage import transfer_manager
from google.cloud.storage.fileio import BlobReader


def put(bucket, name, data=b"x", **kwargs):
    blob = bucket.blob(name)
    blob.upload_from_string(data, **kwargs)
    return blob


def names(blobs):
    return [blob.name for blob in blobs]


# buckets


def test_bucket_is_created_read_listed_changed_and_deleted(client):
    name = f"lab-{uuid.uuid4().hex[:12]}"
    made = client.create_bucket(name, location="us-central1")
    assert (made.location, made.location_type, made.storage_class) == ("US-CENTRAL1", "region", "STANDARD")
    assert made.iam_configuration.uniform_bucket_level_access_enabled
    assert name in [bucket.name for bucket in client.list_buckets(prefix="lab-")]
    made.labels = {"team": "a"}
    made.patch()
    made.versioning_enabled = True
    made.patch()
    again = client.get_bucket(name)
    assert (again.labels, again.versioning_enabled, again.metageneration) == ({"team": "a"}, True, 3)
    again.delete()
    assert client.lookup_bucket(name) is None


def test_bucket_name_taken_is_a_conflict(client, bucket):
    with pytest.raises(Conflict, match="already own it"):
        client.create_bucket(bucket.name)


def test_bucket_with_objects_is_not_deleted(bucket):
    put(bucket, "a")
    with pytest.raises(Conflict, match="not empty"):
        bucket.delete()
    bucket.delete(force=True)


@pytest.mark.parametrize("name", ["UPPER", "a b", "192.168.5.4", "google-thing", "goog-thing"])
def test_bucket_name_that_google_refuses(client, name):
    with pytest.raises(BadRequest, match="Invalid bucket name"):
        client.create_bucket(name)


def test_bucket_precondition(bucket):
    bucket.labels = {"a": "b"}
    with pytest.raises(PreconditionFailed):
        bucket.patch(if_metageneration_match=99)


def test_bucket_not_found(client):
    with pytest.raises(NotFound, match="The specified bucket does not exist"):
        client.get_bucket("lab-there-is-no-such-bucket")
    with pytest.raises(NotFound, match="The specified bucket does not exist"):
        client.bucket("lab-there-is-no-such-bucket").blob("a").upload_from_string("x")


def test_buckets_come_in_pages(client, bucket):
    client.create_bucket(f"lab-{uuid.uuid4().hex[:12]}")
    pages = list(client.list_buckets(page_size=1, max_results=2).pages)
    assert [len(list(page)) for page in pages] == [1, 1]


# uploads and downloads


@pytest.mark.parametrize("data", [b"", b"x", os.urandom(300_000)])
def test_upload_returns_checksums_that_are_true(bucket, data):
    blob = put(bucket, "data.bin", data, content_type="application/x-lab")
    blob.reload()
    assert blob.size == len(data)
    assert blob.md5_hash == base64.b64encode(hashlib.md5(data).digest()).decode()
    assert blob.crc32c == base64.b64encode(google_crc32c.value(data).to_bytes(4, "big")).decode()
    assert blob.content_type == "application/x-lab"
    assert blob.download_as_bytes() == data


def test_resumable_upload_of_known_size_in_chunks(bucket):
    data = os.urandom(3 * 256 * 1024 + 17)
    blob = bucket.blob("big", chunk_size=256 * 1024)
    blob.upload_from_file(io.BytesIO(data), size=len(data), if_generation_match=0)
    assert blob.download_as_bytes() == data


def test_resumable_upload_of_unknown_size(bucket):
    data = os.urandom(2 * 256 * 1024)
    blob = bucket.blob("stream", chunk_size=256 * 1024)
    blob.upload_from_file(_Unseekable(data))
    assert blob.download_as_bytes() == data
    with bucket.blob("writer").open("wb", chunk_size=256 * 1024) as file:
        file.write(data[:1000])
        file.write(data[1000:])
    assert bucket.blob("writer").download_as_bytes() == data


class _Unseekable(io.RawIOBase):
    """A stream that knows neither its size nor how to go back."""

    def __init__(self, data):
        self._inner = io.BytesIO(data)

    def readable(self):
        return True

    def read(self, size=-1):
        return self._inner.read(size)

    def tell(self):
        return self._inner.tell()


def test_nine_megabytes_travel_resumably_by_themselves(bucket, tmp_path):
    data = os.urandom(9 * 1024 * 1024)
    (tmp_path / "nine").write_bytes(data)
    blob = bucket.blob("nine")
    blob.upload_from_filename(str(tmp_path / "nine"))
    with BlobReader(blob) as reader:
        reader.seek(5_000_000)
        assert reader.read(10) == data[5_000_000:5_000_010]
    blob.download_to_filename(str(tmp_path / "back"))
    assert (tmp_path / "back").read_bytes() == data


def test_range_reads(bucket):
    blob = put(bucket, "r", b"0123456789")
    assert blob.download_as_bytes(start=2, end=4) == b"234"
    assert blob.download_as_bytes(start=7) == b"789"
    assert blob.download_as_bytes(start=-3) == b"789"
    assert blob.download_as_bytes(start=5, end=100) == b"56789"
    with pytest.raises(Exception, match="416"):
        blob.download_as_bytes(start=10)


def test_wrong_checksum_is_refused_and_nothing_is_stored(bucket):
    blob = bucket.blob("sum")
    blob.md5_hash = base64.b64encode(bytes(16)).decode()
    with pytest.raises(BadRequest, match="MD5"):
        blob.upload_from_string("x")
    assert not bucket.blob("sum").exists()


def test_gzip_stays_as_it_is_and_unpacks_on_the_way(bucket):
    packed = gzip.compress(b"text" * 1000)
    blob = bucket.blob("z")
    blob.content_encoding = "gzip"
    blob.upload_from_string(packed, content_type="text/plain")
    assert blob.download_as_bytes(raw_download=True) == packed
    assert blob.download_as_bytes() == b"text" * 1000


def test_unicode_and_odd_names(bucket):
    for name in ("äöü/☃ a+b%20&c=d?#e", "a//b", "a/../b", "%2F", " "):
        put(bucket, name, name.encode())
        assert bucket.blob(name).download_as_bytes() == name.encode()
    assert set(names(bucket.list_blobs())) == {"äöü/☃ a+b%20&c=d?#e", "a//b", "a/../b", "%2F", " "}


@pytest.mark.parametrize("name", [".", "..", "a\nb", "x" * 1025, ".well-known/acme-challenge/x"])
def test_names_that_google_refuses(bucket, name):
    with pytest.raises(BadRequest):
        put(bucket, name)


def test_many_at_once(bucket, tmp_path):
    for i in range(5):
        (tmp_path / f"f{i}").write_bytes(bytes([i]) * 100)
    paths = [f"f{i}" for i in range(5)]
    kwargs = {"worker_type": transfer_manager.THREAD, "max_workers": 3}
    sent = transfer_manager.upload_many_from_filenames(bucket, paths, str(tmp_path), **kwargs)
    assert sent == [None] * 5
    (tmp_path / "back").mkdir()
    transfer_manager.download_many_to_path(bucket, paths, str(tmp_path / "back"), **kwargs)
    assert (tmp_path / "back" / "f3").read_bytes() == b"\x03" * 100
    put(bucket, "chunked", os.urandom(1000))
    transfer_manager.download_chunks_concurrently(
        bucket.blob("chunked"), str(tmp_path / "c"), chunk_size=300, worker_type=transfer_manager.THREAD
    )
    assert (tmp_path / "c").read_bytes() == bucket.blob("chunked").download_as_bytes()


# listing


def test_listing_with_prefix_delimiter_and_pages(bucket):
    for name in ("a/1", "a/2", "a/b/3", "a.txt", "z", "é"):
        put(bucket, name)
    assert names(bucket.list_blobs()) == ["a.txt", "a/1", "a/2", "a/b/3", "z", "é"]
    assert names(bucket.list_blobs(prefix="a/")) == ["a/1", "a/2", "a/b/3"]
    found = bucket.list_blobs(delimiter="/")
    assert (names(found), found.prefixes) == (["a.txt", "z", "é"], {"a/"})
    found = bucket.list_blobs(prefix="a/", delimiter="/")
    assert (names(found), found.prefixes) == (["a/1", "a/2"], {"a/b/"})
    assert names(bucket.list_blobs(start_offset="a/2", end_offset="z")) == ["a/2", "a/b/3"]
    sizes = [len(list(page)) for page in bucket.list_blobs(page_size=2).pages]
    assert sizes == [2, 2, 2]
    with_prefixes = bucket.list_blobs(delimiter="/", page_size=1)
    assert names(with_prefixes) == ["a.txt", "z", "é"]
    assert with_prefixes.prefixes == {"a/"}
    assert names(bucket.list_blobs(max_results=3)) == ["a.txt", "a/1", "a/2"]


@pytest.mark.parametrize(
    ("glob", "found"),
    [
        ("*.txt", ["a.txt"]),
        ("**.txt", ["a.txt", "d/b.txt", "d/e/c.txt"]),
        ("d/*", ["d/b.txt"]),
        ("d/**", ["d/b.txt", "d/e/c.txt"]),
        ("**/c.txt", ["d/e/c.txt"]),
        ("{a,d/b}.t?t", ["a.txt", "d/b.txt"]),
        ("[a-b].txt", ["a.txt"]),
    ],
)
def test_listing_with_a_glob(bucket, glob, found):
    for name in ("a.txt", "d/b.txt", "d/e/c.txt"):
        put(bucket, name)
    assert names(bucket.list_blobs(match_glob=glob)) == found


def test_listing_with_fields_and_bad_token(client, bucket):
    put(bucket, "a", content_type="text/plain")
    blob = next(iter(bucket.list_blobs(fields="items(name),nextPageToken")))
    assert (blob.name, blob.content_type) == ("a", None)
    with pytest.raises(BadRequest, match="page token"):
        list(bucket.list_blobs(page_token="nonsense!"))


# generations and preconditions


def test_versions(bucket):
    bucket.versioning_enabled = True
    bucket.patch()
    blob = put(bucket, "v", b"one")
    first = blob.generation
    blob = put(bucket, "v", b"two")
    assert [b.generation for b in bucket.list_blobs(versions=True)] == [first, blob.generation]
    assert names(bucket.list_blobs()) == ["v"]
    assert bucket.blob("v", generation=first).download_as_bytes() == b"one"
    bucket.blob("v").delete()
    assert not bucket.blob("v").exists()
    assert len(list(bucket.list_blobs(versions=True))) == 2
    bucket.copy_blob(bucket.blob("v", generation=first), bucket, "v", source_generation=first)
    assert bucket.blob("v").download_as_bytes() == b"one"
    bucket.blob("v", generation=first).delete()
    with pytest.raises(NotFound):
        bucket.blob("v", generation=first).download_as_bytes()
    pages = [[b.generation for b in page] for page in bucket.list_blobs(versions=True, page_size=1).pages]
    assert [len(page) for page in pages] == [1, 1]


def test_without_versioning_an_old_generation_is_gone(bucket):
    first = put(bucket, "v", b"one").generation
    put(bucket, "v", b"two")
    with pytest.raises(NotFound, match="No such object"):
        bucket.blob("v", generation=first).download_as_bytes()


def _upload(bucket, **pre):
    bucket.blob("p").upload_from_string("new", **pre)


def _download(bucket, **pre):
    bucket.blob("p").download_as_bytes(**pre)


def _reload(bucket, **pre):
    bucket.blob("p").reload(**pre)


def _patch(bucket, **pre):
    blob = bucket.blob("p")
    blob.metadata = {"a": "b"}
    blob.patch(**pre)


def _delete(bucket, **pre):
    bucket.blob("p").delete(**pre)


def _compose(bucket, **pre):
    bucket.blob("p").compose([bucket.blob("other")], **pre)


def _rewrite(bucket, **pre):
    bucket.blob("p").rewrite(bucket.blob("other"), **pre)


def _copy(bucket, **pre):
    bucket.copy_blob(bucket.blob("other"), bucket, "p", **pre)


MUTATIONS = [_upload, _patch, _delete, _compose, _rewrite, _copy]
READS = [_download, _reload]
#: verbs whose client method takes all four preconditions
FULL = [_upload, _patch, _delete, _rewrite, _copy, _download, _reload]


@pytest.fixture
def pair(bucket):
    put(bucket, "other")
    return bucket, put(bucket, "p")


@pytest.mark.parametrize("verb", MUTATIONS + READS)
def test_precondition_generation(pair, verb):
    bucket, blob = pair
    with pytest.raises(PreconditionFailed, match="pre-conditions"):
        verb(bucket, if_generation_match=blob.generation + 1)
    verb(bucket, if_generation_match=blob.generation)


@pytest.mark.parametrize("verb", [*MUTATIONS, *READS])
def test_precondition_metageneration(pair, verb):
    bucket, blob = pair
    with pytest.raises(PreconditionFailed):
        verb(bucket, if_metageneration_match=7)
    verb(bucket, if_metageneration_match=blob.metageneration)


@pytest.mark.parametrize("verb", [v for v in FULL if v not in READS])
def test_precondition_not_match_of_a_write(pair, verb):
    bucket, blob = pair
    with pytest.raises(PreconditionFailed):
        verb(bucket, if_generation_not_match=blob.generation)
    with pytest.raises(PreconditionFailed):
        verb(bucket, if_metageneration_not_match=blob.metageneration)
    verb(bucket, if_generation_not_match=1, if_metageneration_not_match=9)


@pytest.mark.parametrize("verb", READS)
def test_precondition_not_match_of_a_read_is_not_modified(pair, verb):
    bucket, blob = pair
    for pre in ({"if_generation_not_match": blob.generation}, {"if_metageneration_not_match": 1}):
        with pytest.raises(Exception, match="304"):
            verb(bucket, **pre)
    verb(bucket, if_generation_not_match=1)


@pytest.mark.parametrize("verb", [_upload, _compose, _rewrite, _copy])
def test_create_only_where_nothing_is(pair, verb):
    bucket, blob = pair
    with pytest.raises(PreconditionFailed):
        verb(bucket, if_generation_match=0)
    blob.delete()
    verb(bucket, if_generation_match=0)


@pytest.mark.parametrize("verb", [_rewrite, _copy])
def test_precondition_of_a_source(pair, verb):
    bucket, _ = pair
    source = bucket.get_blob("other")
    with pytest.raises(PreconditionFailed):
        verb(bucket, if_source_generation_match=source.generation + 1)
    with pytest.raises(PreconditionFailed):
        verb(bucket, if_source_generation_not_match=source.generation)
    with pytest.raises(PreconditionFailed):
        verb(bucket, if_source_metageneration_match=5)
    verb(bucket, if_source_generation_match=source.generation)


def test_etag_conditions(bucket):
    blob = put(bucket, "e")
    blob.reload()
    assert blob.download_as_bytes(if_etag_match=blob.etag) == b"x"
    with pytest.raises(PreconditionFailed):
        blob.download_as_bytes(if_etag_match="other")
    with pytest.raises(Exception, match="304"):
        blob.download_as_bytes(if_etag_not_match=blob.etag)


# metadata, copies, compositions


def test_metadata_is_patched_and_replaced(bucket):
    blob = bucket.blob("m")
    blob.metadata = {"a": "1", "b": "2"}
    blob.cache_control = "no-store"
    blob.upload_from_string("x")
    blob.metadata = {"a": "9", "b": None}
    blob.content_language = "de"
    blob.patch()
    again = bucket.get_blob("m")
    assert (again.metadata, again.cache_control, again.content_language) == ({"a": "9"}, "no-store", "de")
    assert again.metageneration == 2
    again.metadata = {"c": "3"}
    again.update()
    assert bucket.get_blob("m").metadata == {"c": "3"}


def test_copy_keeps_bytes_and_metadata(client, bucket):
    blob = bucket.blob("from")
    blob.metadata = {"k": "v"}
    blob.upload_from_string("data", content_type="text/plain")
    other = client.create_bucket(f"lab-{uuid.uuid4().hex[:12]}")
    copy = bucket.copy_blob(blob, other, "to")
    assert (copy.download_as_bytes(), copy.metadata, copy.content_type) == (b"data", {"k": "v"}, "text/plain")
    assert copy.generation != blob.generation
    blob.delete()
    assert other.blob("to").download_as_bytes() == b"data"
    renamed = other.rename_blob(other.blob("to"), "renamed")
    assert (renamed.name, other.blob("to").exists()) == ("renamed", False)


def test_rewrite_changes_the_storage_class(bucket):
    blob = put(bucket, "c", b"data")
    blob.update_storage_class("NEARLINE")
    assert bucket.get_blob("c").storage_class == "NEARLINE"
    assert bucket.blob("c").download_as_bytes() == b"data"


def test_compose(bucket):
    parts = [put(bucket, f"part{i}", f"{i};".encode()) for i in range(3)]
    whole = bucket.blob("whole")
    whole.content_type = "text/csv"
    whole.compose(parts)
    assert whole.download_as_bytes() == b"0;1;2;"
    assert (whole.component_count, whole.content_type, whole.md5_hash) == (3, "text/csv", None)
    whole.compose([whole, parts[0]])
    assert (bucket.get_blob("whole").component_count, whole.download_as_bytes()) == (4, b"0;1;2;0;")
    with pytest.raises(NotFound):
        whole.compose([bucket.blob("absent")])
    with pytest.raises(BadRequest, match="exceeds the maximum"):
        whole.compose([parts[0]] * 33)
    with pytest.raises(PreconditionFailed):
        whole.compose(parts, if_source_generation_match=[1, 1, 1])


def test_not_found_of_objects(bucket):
    for call in (
        lambda: bucket.blob("no").download_as_bytes(),
        lambda: bucket.blob("no").reload(),
        lambda: bucket.blob("no").delete(),
        lambda: bucket.blob("no").patch(),
        lambda: bucket.copy_blob(bucket.blob("no"), bucket, "to"),
    ):
        with pytest.raises(NotFound, match=f"No such object: {bucket.name}/no"):
            call()


def test_batch(client, bucket):
    blobs = [put(bucket, f"b{i}") for i in range(4)]
    with client.batch():
        for blob in blobs:
            blob.metadata = {"n": blob.name}
            blob.patch()
    assert [b.metadata for b in bucket.list_blobs()] == [{"n": f"b{i}"} for i in range(4)]
    bucket.delete_blobs(blobs[:2])
    with pytest.raises(NotFound):
        bucket.delete_blobs([blobs[2], bucket.blob("absent")])
    assert names(bucket.list_blobs()) == ["b3"]


# policies, managed folders, refusals


def test_bucket_policy_with_etag(bucket):
    policy = bucket.get_iam_policy(requested_policy_version=3)
    member = "serviceAccount:u-ada@argovx-sandbox.iam.gserviceaccount.com"
    policy.bindings.append({"role": "roles/storage.objectViewer", "members": {member}})
    stale = bucket.get_iam_policy(requested_policy_version=3)
    bucket.set_iam_policy(policy)
    found = bucket.get_iam_policy(requested_policy_version=3).bindings
    assert [(b["role"], set(b["members"])) for b in found] == [("roles/storage.objectViewer", {member})]
    with pytest.raises(PreconditionFailed):
        bucket.set_iam_policy(stale)
    assert bucket.test_iam_permissions(["storage.objects.get", "storage.buckets.get"]) == [
        "storage.objects.get",
        "storage.buckets.get",
    ]


def test_service_account_of_storage(client):
    assert client.get_service_account_email().endswith("@gs-project-accounts.iam.gserviceaccount.com")


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (lambda b: b.blob("a").make_public(), "uniform bucket-level access"),
        (lambda b: b.acl.reload(), "uniform bucket-level access"),
        (lambda b: put(b, "a", predefined_acl="publicRead"), "uniform bucket-level access"),
        (lambda b: b.notification(topic_name="t").create(), "notifications"),
        (lambda b: b.client.create_hmac_key("a@b.iam.gserviceaccount.com"), "HMAC"),
        (lambda b: list(b.client.list_hmac_keys()), "HMAC"),
        (lambda b: setattr(b, "default_event_based_hold", True) or b.patch(), "defaultEventBasedHold"),
        (lambda b: setattr(b, "retention_period", 10) or b.patch(), "retentionPolicy"),
        (lambda b: setattr(b, "requester_pays", True) or b.patch(), "billing"),
        (lambda b: b.add_lifecycle_delete_rule(age=1) or b.patch(), "lifecycle"),
        (lambda b: setattr(put(b, "h"), "temporary_hold", True) or _hold(b), "temporaryHold"),
        (lambda b: put(b.client.bucket(b.name), "k") and _encrypted(b), "encryption"),
    ],
)
def test_what_is_not_there_is_refused_by_name(bucket, call, why):
    with pytest.raises(GoogleAPICallError, match=why) as caught:
        call(bucket)
    assert getattr(caught.value, "code", 0) in (400, 501)


def _hold(bucket):
    blob = bucket.blob("h")
    blob.temporary_hold = True
    blob.patch()


def _encrypted(bucket):
    storage.Blob("e", bucket, encryption_key=b"\0" * 32).upload_from_string("x")


@pytest.mark.filterwarnings("ignore:unclosed:ResourceWarning")
def test_anonymous_is_told_so(bucket):
    anonymous = storage.Client.create_anonymous_client()
    # the client answers a 401 by asking for a new token, which anonymous credentials cannot give
    with pytest.raises(InvalidOperation, match="Anonymous credentials cannot be refreshed"):
        anonymous.bucket(bucket.name).blob("a").download_as_bytes()
    anonymous.close()
    # the client drops the answer unread, and its socket with it
    gc.collect()


def test_stranger_is_forbidden(become, bucket):
    put(bucket, "a")
    stranger = become("nb-bob").bucket(bucket.name)
    for call, permission in (
        (lambda: stranger.blob("a").download_as_bytes(), "storage.objects.get"),
        (lambda: stranger.blob("a").delete(), "storage.objects.delete"),
        (lambda: stranger.blob("b").upload_from_string("x"), "storage.objects.create"),
        (lambda: list(stranger.list_blobs()), "storage.objects.list"),
        (lambda: stranger.reload(), "storage.buckets.get"),
        (lambda: stranger.delete(), "storage.buckets.delete"),
        (lambda: stranger.get_iam_policy(), "storage.buckets.getIamPolicy"),
        (lambda: list(stranger.client.list_buckets()), "storage.buckets.list"),
        (lambda: stranger.client.create_bucket("lab-mine-alone"), "storage.buckets.create"),
    ):
        with pytest.raises(Forbidden, match=f"does not have {permission} access"):
            call()
