"""Policies of buckets and managed folders, conditions on names, access boundaries, strangers."""

from __future__ import annotations

import gc

import google.auth
import pytest
from google.api_core.exceptions import (
    BadRequest,
    Conflict,
    Forbidden,
    NotFound,
    PreconditionFailed,
)
from google.auth import downscoped
from google.auth.exceptions import InvalidOperation
from google.cloud import storage


def put(bucket, name, data=b"x", **kwargs):
    blob = bucket.blob(name)
    blob.upload_from_string(data, **kwargs)
    return blob


def test_bucket_policy_with_etag(lab, bucket):
    policy = bucket.get_iam_policy(requested_policy_version=3)
    member = "serviceAccount:" + lab.email("u-ada")
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


def allow(bucket, member, role, condition=None):
    """Add one binding to a bucket's policy."""
    policy = bucket.get_iam_policy(requested_policy_version=3)
    policy.version = 3
    binding = {"role": f"roles/storage.{role}", "members": {member}}
    if condition is not None:
        binding["condition"] = {"title": "names", "expression": condition}
    policy.bindings.append(binding)
    bucket.set_iam_policy(policy)


def below(bucket, prefix):
    return f"resource.name.startsWith('projects/_/buckets/{bucket.name}/objects/{prefix}')"


def test_condition_on_names_covers_objects_and_not_listing(lab, become, bucket):
    for name in ("in/a", "out/a"):
        put(bucket, name, b"data")
    allow(bucket, lab.principal("nb-bob"), "objectUser", below(bucket, "in/"))
    stranger = become("nb-bob").bucket(bucket.name)
    assert stranger.blob("in/a").download_as_bytes() == b"data"
    stranger.blob("in/new").upload_from_string("x", if_generation_match=0)
    stranger.blob("in/new").upload_from_string("y")
    stranger.blob("in/whole").compose([stranger.blob("in/a"), stranger.blob("in/new")])
    stranger.copy_blob(stranger.blob("in/a"), stranger, "in/copy")
    stranger.move_blob(stranger.blob("in/copy"), "in/moved")
    stranger.blob("in/moved").delete()
    for call in (
        lambda: stranger.blob("out/a").download_as_bytes(),
        lambda: stranger.blob("out/new").upload_from_string("x"),
        lambda: stranger.copy_blob(stranger.blob("out/a"), stranger, "in/stolen"),
        lambda: stranger.copy_blob(stranger.blob("in/a"), stranger, "out/given"),
        lambda: stranger.move_blob(stranger.blob("in/a"), "out/given"),
        lambda: stranger.blob("in/whole").compose([stranger.blob("in/a"), stranger.blob("out/a")]),
        lambda: list(stranger.list_blobs(prefix="in/")),
        lambda: list(stranger.list_blobs()),
        # who may not list is not told whether a name is there
        lambda: stranger.blob("in/absent").reload(),
    ):
        with pytest.raises(Forbidden):
            call()


def test_condition_on_time(lab, become, bucket):
    put(bucket, "a")
    allow(bucket, lab.principal("nb-bob"), "objectViewer", "request.time < timestamp('2001-01-01T00:00:00Z')")
    with pytest.raises(Forbidden):
        become("nb-bob").bucket(bucket.name).blob("a").reload()
    allow(bucket, lab.principal("nb-bob"), "objectViewer", "request.time > timestamp('2001-01-01T00:00:00Z')")
    become("nb-bob").bucket(bucket.name).blob("a").reload()


@pytest.mark.parametrize("condition", ["resource.name.matches('a')", "resource.name.startsWith(", "1 + 1"])
def test_condition_that_is_not_understood_is_refused(lab, bucket, condition):
    with pytest.raises(BadRequest, match="ondition"):
        allow(bucket, lab.principal("nb-bob"), "objectViewer", condition)


def test_condition_needs_version_three(lab, bucket):
    policy = bucket.get_iam_policy(requested_policy_version=3)
    policy.version = 1
    policy.bindings = [
        {
            "role": "roles/storage.objectViewer",
            "members": {lab.principal("nb-bob")},
            "condition": {"title": "t", "expression": "true"},
        }
    ]
    with pytest.raises(BadRequest, match="version"):
        bucket.set_iam_policy(policy)


def test_binding_for_a_whole_bucket(lab, become, bucket):
    put(bucket, "a", b"data")
    allow(bucket, lab.principal("nb-bob"), "objectViewer")
    stranger = become("nb-bob").bucket(bucket.name)
    assert [b.name for b in stranger.list_blobs()] == ["a"]
    assert stranger.blob("a").download_as_bytes() == b"data"
    assert stranger.test_iam_permissions(["storage.objects.get", "storage.objects.delete"]) == [
        "storage.objects.get"
    ]
    with pytest.raises(Forbidden, match=r"storage.objects.delete"):
        stranger.blob("a").delete()
    with pytest.raises(Forbidden, match=r"storage.buckets.getIamPolicy"):
        allow(stranger, lab.principal("nb-bob"), "admin")


def test_managed_folder_carries_a_policy_of_its_own(lab, become, client, bucket):
    # google-cloud-storage has no word for managed folders: these are the requests of the JSON API
    ask = client._connection.api_request
    folders = f"{bucket.path}/managedFolders"
    assert ask("POST", folders, data={"name": "team/"})["name"] == "team/"
    with pytest.raises(Conflict):
        ask("POST", folders, data={"name": "team/"})
    policy = ask("GET", f"{folders}/team%2F/iam")
    policy["bindings"] = [{"role": "roles/storage.objectUser", "members": [lab.principal("nb-bob")]}]
    stale = policy["etag"]
    ask("PUT", f"{folders}/team%2F/iam", data=policy)
    with pytest.raises(PreconditionFailed):
        ask("PUT", f"{folders}/team%2F/iam", data={**policy, "etag": stale})
    put(bucket, "teams", b"other")
    stranger = become("nb-bob").bucket(bucket.name)
    stranger.blob("team/deep/er/a").upload_from_string("mine")
    assert [b.name for b in stranger.list_blobs(prefix="team/")] == ["team/deep/er/a"]
    assert stranger.blob("team/absent").exists() is False
    for call in (
        lambda: stranger.blob("teams").download_as_bytes(),
        lambda: list(stranger.list_blobs(prefix="team")),
        lambda: list(stranger.list_blobs()),
        lambda: stranger.blob("other").upload_from_string("x"),
    ):
        with pytest.raises(Forbidden):
            call()
    assert [f["name"] for f in ask("GET", folders)["items"]] == ["team/"]
    with pytest.raises(Conflict, match="not empty"):
        ask("DELETE", f"{folders}/team%2F")
    ask("DELETE", f"{folders}/team%2F", query_params={"allowNonEmpty": True}, expect_json=False)
    with pytest.raises(NotFound):
        ask("GET", f"{folders}/team%2F")
    with pytest.raises(Forbidden):
        stranger.blob("team/deep/er/a").download_as_bytes()


@pytest.fixture
def narrow(lab, bucket):
    """Make a bucket as a token sees it that is limited by a credential access boundary."""
    clients = []

    def make(role, condition=None):
        source = google.auth.load_credentials_from_file(
            str(lab.credentials_file("owner-ada")), scopes=["https://www.googleapis.com/auth/cloud-platform"]
        )[0]
        rule = downscoped.AccessBoundaryRule(
            f"//storage.googleapis.com/projects/_/buckets/{bucket.name}",
            [f"inRole:roles/storage.{role}"],
            downscoped.AvailabilityCondition(condition) if condition else None,
        )
        credentials = downscoped.Credentials(source, downscoped.CredentialAccessBoundary([rule]))
        clients.append(storage.Client(project=lab.project, credentials=credentials))
        return clients[-1].bucket(bucket.name)

    yield make
    for client in clients:
        client.close()


LIST = "api.getAttribute('storage.googleapis.com/objectListPrefix', '')"


def test_boundary_covers_a_listing_by_its_prefix(bucket, narrow):
    for name in ("in/a", "in/b", "in/c/d", "out"):
        put(bucket, name)
    limited = narrow("objectViewer", f"{below(bucket, 'in/')} || {LIST}.startsWith('in/')")
    assert [len(list(page)) for page in limited.list_blobs(prefix="in/", page_size=2).pages] == [2, 1]
    assert [b.name for b in limited.list_blobs(prefix="in/c/")] == ["in/c/d"]
    found = limited.list_blobs(prefix="in/", delimiter="/")
    assert ([b.name for b in found], found.prefixes) == (["in/a", "in/b"], {"in/c/"})
    for prefix in (None, "", "in", "i", "out"):
        with pytest.raises(Forbidden, match=r"storage.objects.list"):
            list(limited.list_blobs(prefix=prefix))
    # an offset within the prefix is no way around it
    with pytest.raises(Forbidden):
        list(limited.list_blobs(start_offset="in/", end_offset="in0"))


def test_boundary_without_a_list_condition_covers_no_listing(bucket, narrow):
    put(bucket, "in/a")
    limited = narrow("objectViewer", below(bucket, "in/"))
    assert limited.blob("in/a").exists()
    with pytest.raises(Forbidden):
        list(limited.list_blobs(prefix="in/"))
    everything = narrow("objectViewer")
    assert [b.name for b in everything.list_blobs()] == ["in/a"]


def test_boundary_holds_within_a_batch(bucket, narrow):
    for name in ("in/a", "out"):
        put(bucket, name)
    limited = narrow("objectUser", below(bucket, "in/"))
    with limited.client.batch(raise_exception=False) as batch:
        limited.blob("in/a").patch()
        limited.blob("out").patch()
        limited.blob("out").delete()
        limited.blob("in/a").delete()
    assert [answer.status_code for answer in batch._responses] == [200, 403, 403, 204]
    assert bucket.blob("out").exists()


def test_boundary_holds_for_copies_and_chunks(bucket, narrow):
    for name in ("in/a", "out"):
        put(bucket, name)
    limited = narrow("objectUser", below(bucket, "in/"))
    limited.copy_blob(limited.blob("in/a"), limited, "in/b")
    limited.blob("in/c").compose([limited.blob("in/a"), limited.blob("in/b")])
    with limited.blob("in/w").open("wb", chunk_size=256 * 1024) as file:
        file.write(bytes(300_000))
    for call in (
        lambda: limited.copy_blob(limited.blob("out"), limited, "in/b"),
        lambda: limited.copy_blob(limited.blob("in/a"), limited, "out"),
        lambda: limited.move_blob(limited.blob("in/a"), "out"),
        lambda: limited.blob("in/c").compose([limited.blob("out")]),
        lambda: limited.blob("out").create_resumable_upload_session(),
        lambda: limited.get_iam_policy(),
    ):
        with pytest.raises(Forbidden):
            call()


def test_boundary_of_another_bucket(bucket, new_bucket, narrow):
    other = new_bucket()
    put(other, "a")
    limited = narrow("admin").client.bucket(other.name)
    with pytest.raises(Forbidden):
        limited.blob("a").download_as_bytes()
