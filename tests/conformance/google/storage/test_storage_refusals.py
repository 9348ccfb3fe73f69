"""What the sandbox does not have is refused by name; a real project has it, so these run nowhere else."""

from __future__ import annotations

from datetime import UTC, datetime

import google.auth.credentials
import pytest
import requests
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from google.api_core.exceptions import (
    BadRequest,
    GoogleAPICallError,
)
from google.cloud import storage


def put(bucket, name, data=b"x", **kwargs):
    blob = bucket.blob(name)
    blob.upload_from_string(data, **kwargs)
    return blob


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
        (lambda b: list(b.list_notifications()), "notifications"),
        (lambda b: put(b, "h") and _event_hold(b), "eventBasedHold"),
        (lambda b: put(b, "h") and _retained(b), "retention"),
        (lambda b: setattr(b, "default_kms_key_name", "k") or b.patch(), "encryption"),
        (lambda b: setattr(b, "autoclass_enabled", True) or b.patch(), "autoclass"),
        (lambda b: setattr(b, "rpo", "ASYNC_TURBO") or b.patch(), "rpo"),
        (lambda b: setattr(b, "cors", [{"origin": ["*"]}]) or b.patch(), "cors"),
        (lambda b: b.configure_website("index.html") or b.patch(), "website"),
        (lambda b: b.enable_logging("logs") or b.patch(), "logging"),
        (
            lambda b: b.client.create_bucket("lab-retained", enable_object_retention=True),
            "enableObjectRetention",
        ),
        (lambda b: b.client.create_bucket(_hierarchical(b)), "hierarchicalNamespace"),
        (lambda b: list(b.list_blobs(soft_deleted=True)), "softDeleted"),
        (lambda b: b.restore_blob("a", generation=1), "soft delete"),
        (lambda b: b.client.restore_bucket(b.name, generation=1), "soft delete"),
        (lambda b: list(b.client.list_buckets(soft_deleted=True)), "softDeleted"),
        (lambda b: list(b.list_blobs(filter_='contexts."k":*')), "filter"),
        (lambda b: put(b, "i").get_iam_policy(), "policies of objects"),
        (lambda b: _requester_pays(b), "requester pays"),
    ],
)
def test_what_is_not_there_is_refused_by_name(sandbox_only, bucket, call, why):
    with pytest.raises(GoogleAPICallError, match=why) as caught:
        call(bucket)
    assert getattr(caught.value, "code", 0) in (400, 501)


def _hold(bucket):
    blob = bucket.blob("h")
    blob.temporary_hold = True
    blob.patch()


def _encrypted(bucket):
    storage.Blob("e", bucket, encryption_key=b"\0" * 32).upload_from_string("x")


def _event_hold(bucket):
    blob = bucket.blob("h")
    blob.event_based_hold = True
    blob.patch()


def _retained(bucket):
    blob = bucket.blob("h")
    blob.retention.mode = "Unlocked"
    blob.retention.retain_until_time = datetime(2099, 1, 1, tzinfo=UTC)
    blob.patch()


def _hierarchical(bucket):
    wanted = bucket.client.bucket("lab-hierarchical")
    wanted.hierarchical_namespace_enabled = True
    return wanted


def _requester_pays(bucket):
    bucket.client.bucket(bucket.name, user_project="somebody-else").reload()


def test_public_access_is_refused(sandbox_only, bucket):
    for member in ("allUsers", "allAuthenticatedUsers", "user:a@example.com", "domain:example.com"):
        policy = bucket.get_iam_policy(requested_policy_version=3)
        policy.bindings.append({"role": "roles/storage.objectViewer", "members": {member}})
        with pytest.raises(BadRequest, match="Invalid member"):
            bucket.set_iam_policy(policy)


def test_signed_urls(sandbox_only, client, bucket):
    """A signed URL needs a key: whoever brings one reaches the XML API, which says that it is not there."""
    put(bucket, "a")
    key = ec.generate_private_key(ec.SECP256R1())

    class Signing(google.auth.credentials.Signing, google.auth.credentials.Credentials):
        signer_email = "somebody@example.iam.gserviceaccount.com"
        signer = None

        def sign_bytes(self, message):
            return key.sign(message, ec.ECDSA(hashes.SHA256()))

        def refresh(self, request):
            raise NotImplementedError

    url = bucket.blob("a").generate_signed_url(version="v4", expiration=300, credentials=Signing())
    assert url.startswith(f"https://storage.googleapis.com/{bucket.name}/a?X-Goog-Algorithm=")
    with requests.Session() as session:
        answer = session.get(url)
        assert answer.status_code == 501
        assert answer.headers["content-type"].startswith("application/xml")
        assert "<Code>NotImplemented</Code>" in answer.text
        assert "signed URLs" in answer.text
    # the federated credentials of the sandbox cannot sign, as at Google
    with pytest.raises(AttributeError, match="private key"):
        bucket.blob("a").generate_signed_url(version="v4", expiration=300)


def test_error_has_the_shape_of_this_api(sandbox_only, client, bucket):
    with pytest.raises(GoogleAPICallError) as caught:
        bucket.notification(topic_name="t").create()
    assert caught.value.errors == [
        {
            "domain": "global",
            "reason": "notImplemented",
            "message": "The sandbox does not emulate notifications of Cloud Storage.",
        }
    ]
