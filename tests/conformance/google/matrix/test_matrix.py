"""The table of verb × resource × outcome: asserted complete for every RPC that the Google end answers.

Rows come from what the sandbox serves, columns from the verb; what is not asked for has a reason here. Each cell
is a call of the vendor's client over gRPC and one over REST (``scripts/``; Monitoring, Logging and IAM have no
generated REST client and are asked over REST with google-auth's own session). ``table.md`` is written anew with
``ARGOVX_WRITE=1``.
"""

from __future__ import annotations

import os
from pathlib import Path

import pytest

SCRIPTS = ("jobs", "metadata", "tensorboard", "project")
TABLE = Path(__file__).parent / "table.md"
COLUMNS = ("ok", "not_found", "conflict", "denied", "invalid", "stale", "page")
#: Verb → outcomes that its methods must have.
WANTED = {
    "Get": {"ok", "not_found", "denied", "invalid"},
    "List": {"ok", "denied", "invalid", "page"},
    "Create": {"ok", "conflict", "denied", "invalid"},
    "Update": {"ok", "not_found", "denied", "invalid", "stale"},
    "Delete": {"ok", "not_found", "denied", "invalid"},
    "": {"ok", "not_found", "denied", "invalid"},
}
OWN_ID = "the service gives the id, so nothing can be there before"
NO_ETAG = "the resource has no etag"
ANY_NAME = "every name of the right shape is a good question"
#: Cells that nothing can reach, and why.
NOT_THERE = {
    ("JobService.CreateCustomJob", "conflict"): OWN_ID,
    ("TensorboardService.CreateTensorboard", "conflict"): OWN_ID,
    ("PersistentResourceService.UpdatePersistentResource", "stale"): NO_ETAG,
    ("Locations.GetLocation", "not_found"): "a region that does not exist is an invalid name",
    ("Locations.ListLocations", "page"): "read in one page by every client; paging is the one of all lists",
    ("Operations.ListOperations", "page"): "one operation lies below each resource of the test",
    ("Projects.GetProject", "not_found"): "Google does not tell absent projects from forbidden ones",
    ("Projects.GetProject", "invalid"): ANY_NAME,
    ("Projects.GetIamPolicy", "not_found"): "Google does not tell absent projects from forbidden ones",
    ("Projects.SetIamPolicy", "not_found"): "Google does not tell absent projects from forbidden ones",
    ("Projects.TestIamPermissions", "not_found"): "Google does not tell absent projects from forbidden ones",
    ("IAM.GetServiceAccount", "invalid"): ANY_NAME,
    ("IAM.GetIamPolicy", "invalid"): ANY_NAME,
    ("IAM.DeleteServiceAccount", "invalid"): ANY_NAME,
    ("IAM.TestIamPermissions", "denied"): "everybody may ask what they may do",
    ("IAMCredentials.GenerateAccessToken", "not_found"): "an absent account is a denied one",
    ("LoggingServiceV2.WriteLogEntries", "not_found"): "a log is there when something is written to it",
    ("MetricService.ListTimeSeries", "page"): "the job of the test has one series",
    ("MetricService.GetMetricDescriptor", "invalid"): ANY_NAME,
    ("MetricService.ListMonitoredResourceDescriptors", "page"): "there is one",
    ("MetricService.GetMonitoredResourceDescriptor", "invalid"): ANY_NAME,
}


def wanted(name):
    verb = next((verb for verb in WANTED if verb and name.rpartition(".")[2].startswith(verb)), "")
    found = WANTED[verb] | ({"stale"} if name.endswith("SetIamPolicy") else set())
    return {outcome for outcome in found if (name, outcome) not in NOT_THERE}


def drawn(rows):
    lines = [
        "# What is tried of Google's end: verb × resource × outcome, over gRPC and over REST",
        "",
        "Written by `ARGOVX_WRITE=1 pytest tests/conformance/google/matrix`; the test fails while it is stale.",
        "",
        f"| method | {' | '.join(COLUMNS)} |",
        "|---|" + "---|" * len(COLUMNS),
    ]
    for name in sorted(rows):
        cells = []
        for outcome in COLUMNS:
            if outcome in rows[name]:
                cells.append("yes")
            else:
                cells.append(NOT_THERE.get((name, outcome), ""))
        lines.append(f"| `{name}` | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


@pytest.mark.timeout(300)
@pytest.mark.parametrize("transport", ["grpc", "rest"])
def test_the_table_is_complete(end, transport):
    seen = {}
    for script in SCRIPTS:
        for line in end.run(f"matrix/{script}.py", transport):
            name, outcome = line.split()
            seen.setdefault(name, set()).add(outcome)
    served = {".".join(name.rsplit(".", 2)[1:]) for name in end.server.gateway.served()}
    assert served - set(seen) == set(), "methods that no script calls"
    missing = {name: wanted(name) - outcomes for name, outcomes in seen.items() if wanted(name) - outcomes}
    assert missing == {}
    text = drawn(seen)
    if os.environ.get("ARGOVX_WRITE"):
        TABLE.write_text(text)
    assert TABLE.read_text() == text, "stale: ARGOVX_WRITE=1 writes it anew"
