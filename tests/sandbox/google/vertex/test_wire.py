"""Both transports at the edge: framing, compression, deadlines, unknown names, sizes."""

from __future__ import annotations

import asyncio
import base64
import gzip
import zlib

import pytest

from argovx_lab.sandbox.google import messages, rpc, wire
from argovx_lab.sandbox.google.errors import GoogleError
from argovx_lab.sandbox.http import Request

PARENT = "projects/sandbox-lab/locations/us-central1"

V1 = "google.cloud.aiplatform.v1."
LIST = f"/{V1}JobService/ListCustomJobs"
JOBS = f"/v1/{PARENT}/customJobs"


def frame(message: bytes, flag: int = 0) -> bytes:
    return bytes([flag]) + len(message).to_bytes(4, "big") + message


def asked(**fields) -> bytes:
    return messages.from_dict(V1 + "ListCustomJobsRequest", fields).SerializeToString()


def test_unary(lab):
    answer = lab.grpc(LIST, frame(asked(parent=PARENT)))
    assert answer.status == 200
    assert answer.headers["content-type"] == "application/grpc"
    assert answer.trailers == {"grpc-status": "0"}
    assert answer.body == frame(b"")


def test_gzip(lab):
    data = frame(gzip.compress(asked(parent=PARENT)), 1)
    assert lab.grpc(LIST, data, grpc_encoding="gzip").trailers["grpc-status"] == "0"
    assert lab.grpc(LIST, data, grpc_encoding="snappy").trailers["grpc-status"] == "12"
    assert lab.grpc(LIST, frame(b"junk", 1), grpc_encoding="gzip").trailers["grpc-status"] == "13"
    bomb = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    packed = bomb.compress(bytes(40_000_000)) + bomb.flush()
    assert lab.grpc(LIST, frame(packed, 1), grpc_encoding="gzip").trailers["grpc-status"] == "8"


@pytest.mark.parametrize(
    "data", [b"", b"\0", frame(b"x")[:-1], frame(b"") + b"more", b"\0\xff\xff\xff\xff", b"\7\0\0\0\0"]
)
def test_broken_frames(lab, data):
    assert lab.grpc(LIST, data).trailers["grpc-status"] in ("12", "13")


def test_not_the_message(lab):
    answer = lab.grpc(LIST, frame(b"\xff\xff\xff"))
    assert answer.trailers["grpc-status"] == "3"


def test_deadline(lab):
    assert lab.grpc(LIST, frame(asked(parent=PARENT)), grpc_timeout="soon").trailers["grpc-status"] == "13"
    assert lab.grpc(LIST, frame(asked(parent=PARENT)), grpc_timeout="20S").trailers["grpc-status"] == "0"


def test_a_request_that_never_ends_meets_its_deadline():
    sent = []

    async def receive():
        await asyncio.sleep(60)

    async def send(message):
        sent.append(message)

    async def call(data):
        return data

    headers = {"grpc-timeout": "10m"}
    request = Request("POST", LIST, LIST, [], headers, "localhost", receive)
    asyncio.run(wire.serve(request, send, call))
    assert dict(sent[-1]["headers"])[b"grpc-status"] == b"4"


def test_errors_carry_their_details(lab):
    answer = lab.grpc(LIST, frame(asked(parent=PARENT, filter="colour=1")))
    assert answer.trailers["grpc-status"] == "3"
    assert "colour" in answer.trailers["grpc-message"]
    raw = answer.trailers["grpc-status-details-bin"]
    status = messages.parse_bytes("google.rpc.Status", base64.b64decode(raw + "=" * (-len(raw) % 4)))
    assert status.code == 3
    bad = messages.message_class("google.rpc.BadRequest")()
    assert status.details[0].Unpack(bad)
    assert bad.field_violations[0].field == "filter"


def test_messages_are_percent_encoded():
    trailers = dict(GoogleError("NOT_FOUND", "100 % größer\n").to_trailers())
    assert trailers[b"grpc-message"] == b"100 %25 gr%C3%B6%C3%9Fer%0A"


def test_unknown_methods_are_counted_by_name(lab):
    answer = lab.grpc(f"/{V1}ModelService/ListModels", frame(b""))
    assert answer.trailers["grpc-status"] == "12"
    assert lab.rest("GET", f"/v1/{PARENT}/models").status == 501
    lab.grpc("/google.cloud.aiplatform.v1beta1.JobService/ListCustomJobs", frame(b""))
    assert lab.server.missing() == {
        "google.cloud.aiplatform.v1.ModelService.ListModels": 2,
        "google.cloud.aiplatform.v1beta1.JobService.ListCustomJobs": 1,
    }
    assert lab.rest("GET", f"/v1/{PARENT}/nonsense").status == 404


def test_another_google_api_is_refused_by_its_name(lab):
    host = "bigquery.googleapis.com"
    answer = lab.rest("GET", "/bigquery/v2/projects/p/datasets", headers={"host": f"{host}:443"})
    assert answer.status == 501
    assert lab.server.missing() == {host: 1}
    ours = lab.rest("GET", "/v1/nothing", headers={"host": "us-central1-aiplatform.googleapis.com"})
    assert ours.status == 404


def test_the_list_of_missing_methods_is_bounded(lab):
    for n in range(700):
        lab.grpc(f"/x.Y/M{n}", frame(b""))
    assert len(lab.server.missing()) <= 500


@pytest.mark.parametrize(
    ("body", "place"),
    [
        ({"colour": 1}, 'Unknown name "colour" at'),
        ({"jobSpec": {"workerPoolSpecs": [{"colour": 1}]}}, "job_spec.worker_pool_specs[0]"),
        ({"displayName": 5}, "displayName"),
        ({"jobSpec": []}, "job_spec"),
        ({"labels": {"a": 1}}, "labels"),
        ({"jobSpec": {"workerPoolSpecs": [{"replicaCount": "many"}]}}, "replicaCount"),
        ({"jobSpec": {"scheduling": {"timeout": "soon"}}}, "timeout"),
        (b"{", "Invalid JSON payload"),
        (b"[]", "Root element must be a message"),
        (b"\xff\xfe", "Invalid JSON payload"),
        (b"[" * 100_000, "Invalid JSON payload"),
    ],
)
def test_bad_bodies_are_named(lab, body, place):
    answer = lab.rest("POST", JOBS, body)
    assert answer.status == 400
    assert answer.error["status"] == "INVALID_ARGUMENT"
    assert place in answer.error["message"]


def test_a_body_that_is_too_large(lab):
    answer = lab.rest("POST", JOBS, b"x" * (11 * 1024 * 1024))
    assert answer.status == 413


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ({"pageSize": 5}, 200),
        ({"page_size": "5"}, 200),
        ({"readMask": "name,displayName,jobSpec"}, 200),
        ({"readMask": "name,display_name"}, 200),
        ({"$alt": "json;enum-encoding=int"}, 200),
        ({"pageSize": "many"}, 400),
        ({"pageSize": -1}, 400),
        ({"colour": 1}, 400),
        ({"readMask": "colour"}, 200),
        ({"alt": "media"}, 400),
        ({"fields": "name"}, 501),
        ({"pageToken": "zzz"}, 400),
        ({"pageToken": "eyJhIjoxfQ"}, 400),
    ],
)
def test_query_parameters(lab, query, status):
    assert lab.rest("GET", JOBS, None, query).status == status


def test_enums_by_number_or_name(lab, make_job):
    lab.rest("POST", JOBS, make_job())
    by_number = lab.rest("GET", JOBS, None, {"$alt": "json;enum-encoding=int"}).json
    assert by_number["customJobs"][0]["state"] == 1
    assert lab.rest("GET", JOBS).json["customJobs"][0]["state"] == "JOB_STATE_QUEUED"


def test_routes():
    table = rpc.table()
    route = table.route("POST", f"/v1/{PARENT}/customJobs/1:cancel")
    assert route is not None
    assert (route.rpc.name, route.variables["name"]) == (
        f"{V1}JobService.CancelCustomJob",
        f"{PARENT}/customJobs/1",
    )
    for prefix in ("v1", "ui"):
        found = table.route("GET", f"/{prefix}/{PARENT}/metadataStores/default/operations/5")
        assert found is not None
        assert found.rpc.path == "/google.longrunning.Operations/GetOperation"
    assert table.route("GET", f"/v1/{PARENT}//customJobs") is None
    assert table.route("GET", "/") is None
