"""Tokens on a disk that is full: no service gives one that it cannot write down, and each names the disk."""

from __future__ import annotations

import asyncio
import json

import pytest

from argovx_lab.sandbox.room import FULL

ACCOUNT = "u-ada@argovx-sandbox.iam.gserviceaccount.com"
GENERATE = f"/v1/projects/-/serviceAccounts/{ACCOUNT}:generateAccessToken"
TOKEN = "/computeMetadata/v1/instance/service-accounts/default/token"
SECRET = "s3cret-s3cret-s3cret"


@pytest.fixture
def crowded(disk, clock, issuer, kit):
    """The identity services on a disk without room."""
    made = kit.Google(disk.place, clock, issuer, kit.provider())
    made.metadata.register(SECRET, ACCOUNT)
    creator = "roles/iam.serviceAccountTokenCreator"
    made.iam.policies.add(f"serviceAccounts/{ACCOUNT}", creator, kit.principal("wf-ada"))
    made.token = made.bearer("wf-ada")
    disk.fill()
    yield made
    made.store.close()


def test_an_exchange_names_the_full_disk_and_works_again_with_room(crowded, disk):
    notes = []
    crowded.sts._note = notes.append
    status, body = asyncio.run(crowded.exchange())
    assert (status, body) == (503, {"error": "temporarily_unavailable", "error_description": FULL})
    assert [(n.outcome, n.message) for n in notes] == [("temporarily_unavailable", FULL)]
    disk.make_room()
    assert asyncio.run(crowded.exchange())[0] == 200


def test_impersonation_names_it(crowded, kit):
    body = json.dumps({"scope": ["https://www.googleapis.com/auth/cloud-platform"]}).encode()
    request = kit.request_of("POST", GENERATE, body, bearer=crowded.token)
    answer = asyncio.run(crowded.credentials.handle(request))
    assert answer.status == 503
    assert kit.body_of(answer)["error"] == {"code": 503, "message": FULL, "status": "UNAVAILABLE"}


def test_the_metadata_server_names_it(crowded, kit):
    notes = []
    crowded.metadata._note = notes.append
    request = kit.request_of("GET", f"/{SECRET}{TOKEN}", headers={"metadata-flavor": "Google"})
    answer = crowded.metadata.answer(request)
    assert answer.status == 503
    assert FULL in answer.body.decode()
    assert [n.outcome for n in notes] == ["UNAVAILABLE"]
