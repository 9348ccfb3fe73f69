"""A notebook and a launcher that go through a service account of their own, on a real sandbox.

The account's tokens are had by impersonation; the one for Cloud Storage has an access boundary around it.
"""

import dataclasses
import json
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import quote

import nbformat
import pytest
from nbclient import NotebookClient

from argovx_lab.compile.platform import cluster_template
from argovx_lab.errors import CredentialError, PermissionMissing
from argovx_lab.identity.session import Session
from argovx_lab.wiring import Services
from argovx_lab.wiring.doctor import examine
from argovx_lab.wiring.platform import platform_of


@pytest.fixture(scope="module")
def account(owner):
    """The service account ``submit-ada``, with what a launcher and a notebook need."""
    profile, status = owner.profile, owner.status
    email = f"submit-ada@{status.project}.iam.gserviceaccount.com"
    owner.send("POST", f"v1/projects/{status.project}/serviceAccounts", {"accountId": "submit-ada"})
    member = f"serviceAccount:{email}"

    def policy(place):
        return ("POST", f"{place}:getIamPolicy"), ("POST", f"{place}:setIamPolicy")

    project = f"v3/projects/{status.project}"
    for role in ("argovxSubmitter", "argovxLineageWriter", "argovxPanelReader"):
        owner.grant(*policy(project), member, f"projects/{status.project}/roles/{role}")
    owner.grant(
        *policy(f"v1/projects/-/serviceAccounts/{status.run_as}"), member, "roles/iam.serviceAccountUser"
    )
    for folder, role in (("users/ada/", "objectUser"), ("datasets/", "objectUser")):
        place = f"storage/v1/b/{status.bucket}/managedFolders/{quote(folder, safe='')}/iam"
        owner.grant(("GET", place), ("PUT", place), member, f"roles/storage.{role}")
    for kind in ("nb", "wf"):
        own = profile.principal.google.replace(":nb-ada", f":{kind}-ada")
        owner.grant(
            *policy(f"v1/projects/-/serviceAccounts/{email}"), own, "roles/iam.serviceAccountTokenCreator"
        )
    return email


@pytest.fixture(scope="module")
def narrow(owner, account):
    """The profile of that account, with a boundary."""
    return dataclasses.replace(
        owner.profile,
        impersonate=account.replace("ada", "{user}", 1),
        impersonate_lifetime_s=900,
        downscope=True,
    )


def test_whoami_says_so(narrow, account):
    services = Services(narrow)
    principal = services.principal()
    assert principal.google == f"serviceAccount:{account}"
    assert principal.account == "system:serviceaccount:argovx:nb-ada"
    lines = principal.lines(datetime.now(UTC))
    assert len(lines) == 3
    assert f"STS, impersonation of {account}, downscoped" in lines[0]
    assert lines[1].endswith(narrow.run_as)
    assert "token good for 14 min" in lines[2]
    assert f"storage: write gs://{narrow.bucket}/users/ada/" in lines[2]
    services.session.close()


def test_case_21_a_token_with_a_boundary_opens_what_it_names_and_nothing_else(narrow):
    services = Services(narrow)
    objects, bucket = services.objects, narrow.bucket
    objects.create(bucket, "users/ada/step-a/x", b"1")
    assert objects.get(bucket, "users/ada/step-a/x") == b"1"
    assert [item.name for item in objects.list(bucket, "users/ada/step-a/")] == ["users/ada/step-a/x"]
    assert list(objects.list(bucket, "datasets/")) == []
    for act in (
        lambda: objects.create(bucket, "datasets/x", b"1"),  # IAM allows it, the boundary does not
        lambda: list(objects.list(bucket, "")),
        lambda: list(objects.list(bucket, "users/")),
        lambda: objects.create(bucket, "users/ada-2/x", b"1"),
        lambda: objects.get(bucket, "users/bob/x"),
    ):
        with pytest.raises(PermissionMissing):
            act()
    assert (
        next(iter(services.jobs.find('labels.argovx-user="nobody"')), None) is None
    )  # no boundary at Vertex
    services.session.close()


def test_a_boundary_of_one_step_does_not_open_its_namesake(narrow):
    from argovx_lab.identity.boundary import grants
    from argovx_lab.identity.settings import Narrowing
    from argovx_lab.storage.objects import Objects
    from argovx_lab.wiring import signin

    usual = signin.federation(narrow)
    step = grants(narrow.bucket, "users/ada/step-a/", (), replaces=False)
    narrowing = Narrowing(narrow.account, 900, step, usual.narrowing.iamcredentials_url)
    session = Session(dataclasses.replace(usual, narrowing=narrowing))
    objects = Objects(session, narrow.endpoints.storage)
    objects.create(narrow.bucket, "users/ada/step-a/y", b"1")
    for act in (
        lambda: objects.create(narrow.bucket, "users/ada/step-a2/y", b"1"),
        lambda: objects.create(narrow.bucket, "users/ada/step-a/y", b"2", if_absent=False),
        lambda: list(objects.list(narrow.bucket, "users/ada/step-a2/")),
    ):
        with pytest.raises(PermissionMissing):
            act()
    session.close()


def test_a_launcher_goes_the_same_way(owner, narrow, account):
    usual, other = (cluster_template(platform_of(profile)) for profile in (owner.profile, narrow))
    owner.cluster.apply(other)
    try:
        found = list(examine(Services(narrow)))
        with owner.account_of(account, "wf-ada", "iam.serviceAccountTokenCreator"):
            without = list(examine(Services(narrow)))
    finally:
        owner.cluster.apply(usual)
    assert [check.name for check in found if check.good is not True] == []
    assert any(check.name.startswith("step:") for check in found)
    said = [check.seen for check in without if check.name.startswith("step:") and check.good is False]
    assert any(f"wf-ada may not have tokens of {account}" in text for text in said), said


def test_a_step_goes_the_same_way(owner, narrow, account, tmp_path):
    """A real cell: its launcher makes the job and the records as the account, with the bounded token."""
    usual, other = (cluster_template(platform_of(profile)) for profile in (owner.profile, narrow))
    cells = ["%load_ext argovx_lab\nn = 1", "%%vertex_step one(n) -> x\nx = n + 1", "x.get()"]
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    owner.cluster.apply(other)
    try:
        NotebookClient(notebook, timeout=120, resources={"metadata": {"path": str(tmp_path)}}).execute()
    finally:
        owner.cluster.apply(usual)
    assert notebook.cells[2].outputs[0].data["text/plain"] == "2"
    rows = [
        json.loads(row)
        for path in Path(owner.status.state_dir).glob("log/google-audit.jsonl")
        for row in _rows(path)
    ]
    made = {row["principal"] for row in rows if row["method"].endswith(("CreateCustomJob", "objects.insert"))}
    assert f"serviceAccount:{account}" in made
    assert not any(":wf-ada" in name for name in made), made


def _rows(path):
    return [row for row in path.read_text().splitlines() if row.startswith("{")]


def test_case_18_a_missing_token_creator_is_named_with_its_line(owner, narrow, account):
    with owner.account_of(account, "nb-ada", "iam.serviceAccountTokenCreator"):
        principal = Services(narrow).principal()
    assert "may not have tokens of" in principal.problem
    assert f"add-iam-policy-binding {account}" in principal.problem
    assert "no token: " in principal.lines(datetime.now(UTC))[0]
    assert principal.expires_at is None


def test_a_boundary_without_an_account_is_refused_by_name(owner):
    with pytest.raises(CredentialError, match="cannot be downscoped"):
        _ = Services(dataclasses.replace(owner.profile, downscope=True)).session
