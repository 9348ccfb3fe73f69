"""The same port over TLS and in plaintext, REST and gRPC, for clients that are pointed at it by hand."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

CLIENT = """
import sys
import grpc
from google.auth.credentials import AnonymousCredentials
from google.cloud import aiplatform, aiplatform_v1 as v1
from google.cloud.aiplatform_v1.services.job_service.transports import JobServiceGrpcTransport
from google.oauth2.credentials import Credentials

kind, host, token, ca = sys.argv[1:]
parent = "projects/sandbox-lab/locations/us-central1"
if kind in ("grpc plaintext", "grpc tls"):
    call = grpc.insecure_channel(host)
    if kind == "grpc tls":
        call = grpc.secure_channel(host, grpc.ssl_channel_credentials(open(ca, "rb").read()))
    client = v1.JobServiceClient(transport=JobServiceGrpcTransport(channel=call))
    found = client.list_custom_jobs(parent=parent, metadata=[("authorization", f"Bearer {token}")], timeout=20)
    print("jobs", len(list(found)) >= 0)
else:
    scheme = "http://" if kind == "rest plaintext" else ""
    aiplatform.init(
        project="sandbox-lab",
        location="us-central1",
        api_endpoint=scheme + host,
        api_transport="rest" if kind.startswith("rest") else None,
        credentials=Credentials(token=token),
    )
    print("jobs", len(aiplatform.CustomJob.list()) >= 0)
"""


@pytest.mark.parametrize("kind", ["grpc plaintext", "grpc tls", "rest plaintext", "rest tls", "sdk grpc"])
def test_one_port_speaks_it_all(end, kind):
    environment = {
        "PATH": "/usr/bin:/bin",
        "REQUESTS_CA_BUNDLE": str(end.ca),
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": str(end.ca),
        "NO_GCE_CHECK": "true",
    }
    command = [sys.executable, "-W", "ignore", "-c", textwrap.dedent(CLIENT), kind]
    done = subprocess.run(
        [*command, f"localhost:{end.ports['google']}", end.token(), str(end.ca)],
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.stdout.strip() == "jobs True", done.stderr[-3000:]
