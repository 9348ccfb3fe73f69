"""Token exchange and impersonation leave a note for the audit log."""

from __future__ import annotations

import asyncio


def test_exchange(google, kit):
    notes = []
    google.sts._note = notes.append
    asyncio.run(google.exchange())
    asyncio.run(google.exchange(subject_token=google.issuer.token(namespace="other")))
    assert [(n.method, n.principal, n.outcome) for n in notes] == [
        ("ExchangeToken", kit.principal("wf-ada"), "OK"),
        ("ExchangeToken", "", "unauthorized_client"),
    ]
    assert "avx1." not in str(notes)


def test_impersonation(google, kit):
    notes = []
    google.credentials._note = notes.append
    path = "/v1/projects/-/serviceAccounts/u-ada@argovx-sandbox.iam.gserviceaccount.com:generateAccessToken"
    for bearer in (google.bearer("nb-ada"), ""):
        asyncio.run(google.credentials.handle(kit.request_of("POST", path, b"{}", bearer=bearer)))
    assert [(n.method, n.permission, n.outcome) for n in notes] == [
        ("GenerateAccessToken", "iam.serviceAccounts.getAccessToken", "PERMISSION_DENIED"),
        (f"POST {path}", "", "UNAUTHENTICATED"),
    ]
