"""Who may call what: every method, decided by IAM, and audited without a token."""

from __future__ import annotations

import re

import pytest

from argovx_lab.sandbox.google import messages, rpc
from argovx_lab.sandbox.google.permissions import PERMISSIONS

PARENT = "projects/sandbox-lab/locations/us-central1"
JOBS = f"/v1/{PARENT}/customJobs"


def put(message, field: str, value: str) -> None:
    *parents, last = field.split(".")
    for part in parents:
        message = getattr(message, part)
    target = getattr(message, last)
    if isinstance(target, str):
        setattr(message, last, value)
    else:
        target.append(value)


@pytest.mark.parametrize("path", sorted(path for path, needed in PERMISSIONS.items() if needed.field))
def test_nobody_may_do_anything_without_a_grant(lab, path):
    method = rpc.table().by_path(path)
    assert method is not None
    message = messages.message_class(method.request)()
    put(message, PERMISSIONS[path].field, PARENT)
    data = message.SerializeToString()
    frame = b"\0" + len(data).to_bytes(4, "big") + data
    headers = {"authorization": f"Bearer {lab.token('stranger')}"}
    answer = lab.rest(
        "POST",
        path,
        frame,
        token="",
        headers={**headers, "content-type": "application/grpc"},
    )
    if method.name not in lab.server.gateway.served():
        assert answer.trailers["grpc-status"] == "12"
        return
    assert answer.trailers["grpc-status"] == "7"
    assert PERMISSIONS[path].permission in answer.trailers["grpc-message"]
    assert lab.audit()[-1]["outcome"] == "PERMISSION_DENIED"
    assert lab.audit()[-1]["permission"] == PERMISSIONS[path].permission


def test_every_served_method_has_a_permission(lab):
    paths = {path[1:].replace("/", ".") for path in PERMISSIONS}
    assert set(lab.server.gateway.served()) <= paths


@pytest.mark.parametrize(
    ("account", "allowed", "denied"),
    [
        ("owner-ada", {"get", "list", "create", "cancel", "delete"}, set()),
        ("wf-ada", {"get", "list", "create", "cancel"}, {"delete"}),
        ("nb-ada", {"get", "list"}, {"create", "cancel", "delete"}),
        ("stranger", set(), {"get", "list", "create", "cancel", "delete"}),
    ],
)
def test_custom_jobs_by_principal(lab, make_job, account, allowed, denied):
    name = lab.rest("POST", JOBS, make_job()).json["name"]
    calls = {
        "get": ("GET", f"/v1/{name}", None),
        "list": ("GET", JOBS, None),
        "create": ("POST", JOBS, make_job()),
        "cancel": ("POST", f"/v1/{name}:cancel", {}),
        "delete": ("DELETE", f"/v1/{name}", None),
    }
    token = lab.token(account)
    statuses = {verb: lab.rest(*call, token=token).status for verb, call in calls.items()}
    assert {verb for verb, status in statuses.items() if status == 403} == denied
    assert {verb for verb, status in statuses.items() if status in (200, 400)} == allowed


def test_acting_as_another_account_is_an_invalid_argument(lab, make_job):
    body = make_job(spec={"serviceAccount": "other@sandbox-lab.iam.gserviceaccount.com"})
    answer = lab.rest("POST", JOBS, body)
    assert answer.status == 400
    assert answer.error["message"].startswith("You do not have permission to act as service_account: other@")
    assert lab.rest("GET", JOBS).json == {}


def test_no_token_is_401_over_both_transports(lab):
    for token in ("", "ya29.made-up"):
        answer = lab.rest("GET", JOBS, token=token)
        assert (answer.status, answer.error["status"]) == (401, "UNAUTHENTICATED")
        assert answer.headers["www-authenticate"].startswith("Bearer")
    headers = {"content-type": "application/grpc"}
    path = "/google.cloud.aiplatform.v1.JobService/ListCustomJobs"
    answer = lab.rest("POST", path, bytes(5), token="", headers=headers)
    assert answer.trailers["grpc-status"] == "16"


def test_a_token_without_the_scope_opens_nothing(lab):
    token = lab.server.authenticator.issue(
        lab.principal("owner-ada"), scopes=["https://www.googleapis.com/auth/devstorage.read_only"]
    )
    answer = lab.rest("GET", JOBS, token=token)
    assert answer.status == 403
    assert answer.error["details"][0]["reason"] == "ACCESS_TOKEN_SCOPE_INSUFFICIENT"


def test_foreign_projects_look_like_forbidden_ones(lab):
    answer = lab.rest("GET", "/v1/projects/other/locations/us-central1/customJobs")
    assert answer.status == 403
    assert answer.error["details"][0]["reason"] == "IAM_PERMISSION_DENIED"


def test_the_audit_log_has_principals_and_no_tokens(lab, make_job):
    token = lab.token()
    lab.rest("POST", JOBS, make_job(code="print('canary-in-the-cell')"), token=token)
    lab.rest("GET", JOBS, token="ya29.canary")
    lab.rest("GET", f"{JOBS}/7", token=token)
    lines = lab.audit()
    assert [line["outcome"] for line in lines] == ["OK", "UNAUTHENTICATED", "NOT_FOUND"]
    assert [line["number"] for line in lines] == [1, 2, 3]
    assert lines[0]["principal"] == lab.principal("owner-ada")
    assert lines[0]["permission"] == "aiplatform.customJobs.create"
    text = (lab.folder / "log" / "google-audit.jsonl").read_text()
    assert token not in text
    assert "canary" not in text


def test_no_secret_of_a_job_is_in_its_public_form(lab, make_job):
    answer = lab.rest("POST", JOBS, make_job())
    assert not re.search(r"secret|avx1\.", answer.body.decode())
