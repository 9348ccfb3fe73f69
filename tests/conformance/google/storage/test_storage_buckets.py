"""Buckets: created, read, listed, changed, deleted; taken, absent, stale, in pages."""

from __future__ import annotations

import uuid

import pytest
from google.api_core.exceptions import (
    BadRequest,
    Conflict,
    NotFound,
    NotModified,
    PreconditionFailed,
)


def put(bucket, name, data=b"x", **kwargs):
    blob = bucket.blob(name)
    blob.upload_from_string(data, **kwargs)
    return blob


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


def test_service_account_of_storage(client):
    assert client.get_service_account_email().endswith("@gs-project-accounts.iam.gserviceaccount.com")


def test_bucket_entity_tags(bucket):
    bucket.reload()
    bucket.reload(if_etag_match=bucket.etag, if_metageneration_match=bucket.metageneration)
    assert bucket.exists(if_etag_not_match="other")
    with pytest.raises(PreconditionFailed):
        bucket.reload(if_etag_match="other")
    for stale in ({"if_etag_not_match": bucket.etag}, {"if_metageneration_not_match": bucket.metageneration}):
        with pytest.raises(NotModified):
            bucket.reload(**stale)


def test_bucket_is_replaced_by_what_it_was(bucket):
    bucket.labels = {"a": "b"}
    bucket.patch()
    bucket.reload()
    bucket.update()
    assert bucket.labels == {"a": "b"}


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("requester_pays", False),
        ("autoclass_enabled", False),
        ("default_event_based_hold", False),
        ("versioning_enabled", False),
        ("lifecycle_rules", []),
        ("cors", []),
    ],
)
def test_bucket_features_may_be_off(bucket, name, value):
    setattr(bucket, name, value)
    bucket.patch()


def test_bucket_resource_holds_what_google_documents_and_nothing_else(bucket, client):
    found = client._connection.api_request("GET", bucket.path)
    assert {
        "kind", "id", "selfLink", "projectNumber", "name", "timeCreated", "updated", "generation", "metageneration",
        "iamConfiguration", "location", "locationType", "storageClass", "softDeletePolicy", "etag",
    } <= set(found)  # fmt: skip
    assert set(found) <= _BUCKET_FIELDS


_BUCKET_FIELDS = {
    "acl", "autoclass", "billing", "cors", "customPlacementConfig", "defaultEventBasedHold", "defaultObjectAcl",
    "encryption", "etag", "generation", "hardDeleteTime", "hierarchicalNamespace", "iamConfiguration", "id", "ipFilter",
    "kind", "labels", "lifecycle", "location", "locationType", "logging", "metageneration", "name", "objectRetention",
    "owner", "projectNumber", "retentionPolicy", "rpo", "satisfiesPZI", "satisfiesPZS", "selfLink", "softDeletePolicy",
    "softDeleteTime", "storageClass", "timeCreated", "updated", "versioning", "website",
}  # fmt: skip


@pytest.mark.parametrize(
    ("location", "kind"), [("eu", "multi-region"), ("nam4", "dual-region"), ("europe-west3", "region")]
)
def test_bucket_locations(new_bucket, location, kind):
    bucket = new_bucket(location=location)
    assert (bucket.location, bucket.location_type) == (location.upper(), kind)


def test_bucket_location_that_is_none(client):
    with pytest.raises(BadRequest, match="location"):
        client.create_bucket(f"lab-{uuid.uuid4().hex[:12]}", location="moon")
