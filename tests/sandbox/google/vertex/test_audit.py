"""Every call of every service leaves one audit line, and no token is in any of them."""

from __future__ import annotations

import asyncio
import json

from argovx_lab.sandbox.http import Request

FORM = {"content-type": "application/x-www-form-urlencoded"}
ACCOUNT = "u-ada@sandbox-lab.iam.gserviceaccount.com"
GENERATE = f"/v1/projects/-/serviceAccounts/{ACCOUNT}:generateAccessToken"


def test_storage_sts_and_impersonation_share_the_audit_log_with_vertex(lab):
    bucket = "/storage/v1/b/lab-ada"
    assert lab.rest("GET", bucket).status == 200
    assert lab.rest("GET", "/storage/v1/b/another").status == 404
    assert lab.rest("GET", bucket, token="").status == 401
    lab.rest("POST", "/v1/token", b"grant_type=nonsense", token="", headers=FORM)
    assert lab.rest("GET", "/v1/token").status == 405
    scope = {"scope": ["https://www.googleapis.com/auth/cloud-platform"]}
    assert lab.rest("POST", GENERATE, scope, token=lab.token("nb-ada")).status == 403
    assert lab.rest("POST", GENERATE, scope, token="nonsense").status == 401
    assert lab.rest("GET", "/v1/projects/sandbox-lab/locations/us-central1/customJobs").status == 200
    seen = [(e["transport"], e["method"], e["outcome"]) for e in lab.audit()]
    assert seen == [
        ("storage", "storage.buckets.get", "OK"),
        ("storage", "storage.buckets.get", "NOT_FOUND"),
        ("storage", "storage.buckets.get", "UNAUTHENTICATED"),
        ("sts", "ExchangeToken", "unsupported_grant_type"),
        ("sts", "ExchangeToken", "invalid_request"),
        ("iamcredentials", "GenerateAccessToken", "PERMISSION_DENIED"),
        ("iamcredentials", f"POST {GENERATE}", "UNAUTHENTICATED"),
        ("rest", "google.cloud.aiplatform.v1.JobService.ListCustomJobs", "OK"),
    ]
    first = lab.audit()[0]
    assert first["permission"] == "storage.buckets.get"
    assert "lab-ada" in first["resource"]
    assert first["principal"] == lab.principal("owner-ada")
    assert [e["number"] for e in lab.audit()] == list(range(1, len(seen) + 1))


def test_the_metadata_server_names_the_job_and_never_its_secret_or_token(lab):
    secret = "s3cret-s3cret-s3cret"
    lab.server.metadata_app.register(secret, ACCOUNT)
    tail = "computeMetadata/v1/instance/service-accounts/default/token"
    answer = lab.server.metadata_app.answer

    def get(path, **headers):
        scope = {
            "type": "http",
            "method": "GET",
            "path": path,
            "raw_path": path.encode(),
            "query_string": b"",
            "headers": [(k.replace("_", "-").encode(), v.encode()) for k, v in headers.items()],
        }
        return answer(Request.of(scope, None))

    token = json.loads(get(f"/{secret}/{tail}", metadata_flavor="Google").body)["access_token"]
    assert get(f"/{secret}/{tail}").status == 403
    assert get(f"/{secret}x/{tail}").status == 404
    assert [(e["transport"], e["method"], e["principal"], e["outcome"]) for e in lab.audit()] == [
        ("metadata", f"GET /{tail}", f"serviceAccount:{ACCOUNT}", "OK"),
        ("metadata", f"GET /{tail}", f"serviceAccount:{ACCOUNT}", "PERMISSION_DENIED"),
        ("metadata", f"GET /{tail}", "", "NOT_FOUND"),
    ]
    text = (lab.folder / "log" / "google-audit.jsonl").read_text()
    assert secret not in text
    assert token not in text


def test_a_start_removes_the_bytes_that_a_killed_server_left(lab):
    assert (
        lab.rest(
            "POST", "/upload/storage/v1/b/lab-ada/o", b"kept", {"uploadType": "media", "name": "a"}
        ).status
        == 200
    )
    left = lab.folder / "blobs" / "ab" / ("ab" + "0" * 30)
    left.parent.mkdir(exist_ok=True)
    left.write_bytes(b"of a write that was killed before it was recorded")
    asyncio.run(lab.server.prepare())
    assert not left.exists()
    assert lab.rest("GET", "/storage/v1/b/lab-ada/o/a", query={"alt": "media"}).body == b"kept"
