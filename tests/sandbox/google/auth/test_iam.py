"""Who may do what in a new sandbox, as a table; policies, members, conditions, and how "no" is worded."""

from __future__ import annotations

import pytest

from argovx_lab.sandbox.google import roles, rpc
from argovx_lab.sandbox.google.errors import GoogleError
from argovx_lab.sandbox.google.iam import LIST_PREFIX, identities
from argovx_lab.sandbox.google.permissions import PERMISSIONS
from argovx_lab.sandbox.google.seed import seed

PROJECT, NUMBER = "argovx-sandbox", "424242424242"
ACCOUNT = f"u-ada@{PROJECT}.iam.gserviceaccount.com"
AGENT = f"service-{NUMBER}@gcp-sa-aiplatform-cc.iam.gserviceaccount.com"
VERTEX = f"//aiplatform.googleapis.com/projects/{PROJECT}/locations/us-central1"
STORE = VERTEX + "/metadataStores/default"
LOGS = f"//logging.googleapis.com/projects/{PROJECT}"
BUCKET = "//storage.googleapis.com/projects/_/buckets/argovx-sandbox-ada"
MINE, DATA, OTHER = (f"{BUCKET}/objects/{n}" for n in ("users/ada/x", "datasets/d/1", "users/bob/x"))
RUN_AS = f"//iam.googleapis.com/projects/-/serviceAccounts/{ACCOUNT}"
RUN_AS_AGENT = f"//iam.googleapis.com/projects/-/serviceAccounts/{AGENT}"

WHO = ["owner-ada", "nb-ada", "wf-ada", ACCOUNT, AGENT, "nb-bob"]
#: permission, resource, who may: one letter each in the order of WHO
TABLE = [
    ("aiplatform.customJobs.create", VERTEX, "y-y-y-"),
    ("aiplatform.customJobs.get", VERTEX + "/customJobs/1", "yyy-y-"),
    ("aiplatform.customJobs.list", VERTEX, "yyy-y-"),
    ("aiplatform.customJobs.cancel", VERTEX + "/customJobs/1", "y-y-y-"),
    ("aiplatform.customJobs.delete", VERTEX + "/customJobs/1", "y---y-"),
    ("iam.serviceAccounts.actAs", RUN_AS, "y-y---"),
    ("iam.serviceAccounts.actAs", RUN_AS_AGENT, "------"),
    ("iam.serviceAccounts.getAccessToken", RUN_AS, "------"),
    ("aiplatform.artifacts.create", STORE, "y-yyy-"),
    ("aiplatform.artifacts.list", STORE, "yyyyy-"),
    ("aiplatform.contexts.queryContextLineageSubgraph", STORE + "/contexts/c", "yyyyy-"),
    ("aiplatform.executions.delete", STORE + "/executions/e", "y---y-"),
    ("aiplatform.tensorboardRuns.write", VERTEX + "/tensorboards/1", "y--yy-"),
    ("aiplatform.tensorboards.get", VERTEX + "/tensorboards/1", "yy-yy-"),
    ("logging.logEntries.list", LOGS, "yy----"),
    ("logging.logEntries.create", LOGS, "---yy-"),
    ("monitoring.timeSeries.list", f"//monitoring.googleapis.com/projects/{PROJECT}", "yy----"),
    ("resourcemanager.projects.get", f"//cloudresourcemanager.googleapis.com/projects/{NUMBER}", "yy--y-"),
    ("storage.objects.get", MINE, "yyyyy-"),
    ("storage.objects.create", MINE, "yyyyy-"),
    ("storage.objects.delete", MINE, "yy-yy-"),
    ("storage.objects.get", DATA, "yyyyy-"),
    ("storage.objects.create", DATA, "yy--y-"),
    ("storage.objects.get", OTHER, "y---y-"),
    ("storage.objects.list", BUCKET, "y---y-"),
    ("storage.buckets.get", BUCKET, "y---y-"),
    ("storage.buckets.setIamPolicy", BUCKET, "y-----"),
    ("storage.buckets.create", f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}", "y---y-"),
]


@pytest.mark.parametrize(("permission", "resource", "who"), TABLE)
def test_what_a_new_sandbox_allows(google, permission, resource, who):
    found = "".join("y" if google.iam.allows(google.caller(p), permission, resource) else "-" for p in WHO)
    assert found == who


def test_nobody_may_do_everything(google):
    resources = [
        VERTEX,
        MINE,
        BUCKET,
        LOGS,
        RUN_AS,
        f"//cloudresourcemanager.googleapis.com/projects/{PROJECT}",
    ]
    for name in WHO:
        caller = google.caller(name)
        missing = [p for p in roles.ALL if not any(google.iam.allows(caller, p, r) for r in resources)]
        assert missing


@pytest.mark.parametrize(
    ("prefix", "who"),
    [
        ("users/ada/", "yyyyy-"),
        ("users/ada/runs/", "yyyyy-"),
        ("users/ada", "y---y-"),
        ("users/", "y---y-"),
        ("", "y---y-"),
        ("datasets/iris/", "yyyyy-"),
        ("users/ada-2/", "y---y-"),
    ],
)
def test_listing_is_decided_by_its_prefix(google, prefix, who):
    found = "".join(
        "y"
        if google.iam.allows(
            google.caller(p), "storage.objects.list", BUCKET, attributes={LIST_PREFIX: prefix}
        )
        else "-"
        for p in WHO
    )
    assert found == who


def test_project_by_number_or_id_but_no_other(google):
    caller = google.caller("owner-ada")
    for project, ok in ((PROJECT, True), (NUMBER, True), ("other", False), ("4242", False), ("-", False)):
        resource = f"//aiplatform.googleapis.com/projects/{project}/locations/us-central1"
        assert google.iam.allows(caller, "aiplatform.customJobs.list", resource) is ok


def test_denial_is_worded_as_google_does(google):
    with pytest.raises(GoogleError) as caught:
        google.iam.check(google.caller("nb-ada"), "aiplatform.customJobs.create", VERTEX)
    assert caught.value.to_json()["error"] == {
        "code": 403,
        "message": f"Permission 'aiplatform.customJobs.create' denied on resource '{VERTEX}' (or it may not exist).",
        "status": "PERMISSION_DENIED",
        "details": [
            {
                "@type": "type.googleapis.com/google.rpc.ErrorInfo",
                "reason": "IAM_PERMISSION_DENIED",
                "domain": "aiplatform.googleapis.com",
                "metadata": {
                    "permission": "aiplatform.customJobs.create",
                    "resource": f"projects/{PROJECT}/locations/us-central1",
                },
            }
        ],
    }


def test_seeding_again_keeps_what_was_changed(google):
    key = "buckets/argovx-sandbox-ada/managedFolders/users/ada/"
    google.iam.policies.set(key, {"bindings": []})
    seed(
        google.store, google.iam, google.accounts, google.storage.buckets,
        user="ada", bucket="argovx-sandbox-ada", namespace="argovx",
    )  # fmt: skip
    assert google.iam.policies.get(key)["bindings"] == []
    seed(
        google.store, google.iam, google.accounts, google.storage.buckets,
        user="bob", bucket="argovx-sandbox-ada", namespace="argovx", prefix="/lab/",
    )  # fmt: skip
    bob = google.caller("nb-bob")
    assert google.iam.allows(bob, "storage.objects.delete", f"{BUCKET}/objects/lab/users/bob/x")
    assert not google.iam.allows(bob, "storage.objects.get", MINE)


# members


def test_principal_sets(google, kit):
    pool = kit.principal("x").partition("/subject/")[0].replace("principal:", "principalSet:")
    caller = google.caller("someone")
    assert identities(caller) == {
        kit.principal("someone"),
        f"{pool}/*",
        f"{pool}/attribute.namespace/argovx",
        f"{pool}/attribute.ksa/someone",
    }
    for member, ok in (
        (f"{pool}/*", True),
        (f"{pool}/attribute.namespace/argovx", True),
        (f"{pool}/attribute.namespace/other", False),
        (f"{pool}/attribute.ksa/someone", True),
        (f"{pool.replace('/argovx', '/other')}/*", False),
    ):
        google.iam.policies.set("buckets/b", {"bindings": [binding(member)]})
        resource = "//storage.googleapis.com/projects/_/buckets/b/objects/o"
        assert google.iam.allows(caller, "storage.objects.get", resource) is ok


def binding(member, role="roles/storage.objectViewer", condition=None):
    found = {"role": role, "members": [member] if isinstance(member, str) else member}
    if condition:
        found["condition"] = {"title": "t", "expression": condition}
    return found


ME = f"serviceAccount:{ACCOUNT}"


@pytest.mark.parametrize(
    ("policy", "text"),
    [
        ([], "object"),
        ({"bindings": {}}, "list"),
        ({"bindings": ["x"]}, "role, members"),
        ({"bindings": [{"role": "roles/owner", "members": [ME]}]}, "Role roles/owner is not supported"),
        ({"bindings": [{"role": "projects/other/roles/argovxSubmitter", "members": [ME]}]}, "not supported"),
        ({"bindings": [{"role": 1, "members": [ME]}]}, "role"),
        ({"bindings": [{"role": "roles/browser", "members": ME}]}, "list of members"),
        ({"bindings": [binding("user:a@b.c", "roles/browser")]}, "Invalid member 'user:a@b.c'"),
        ({"bindings": [binding("allUsers")]}, "Invalid member"),
        ({"bindings": [binding(ME + "\n")]}, "Invalid member"),
        ({"bindings": [binding(ME, condition="true")]}, "version 3"),
        ({"version": 3, "bindings": [binding(ME, condition="nope")]}, "'nope' is not known"),
        ({"version": 3, "bindings": [{**binding(ME), "condition": {"expression": "true"}}]}, "title"),
        ({"version": 2}, "version"),
        ({"auditConfigs": [1]}, "auditConfigs"),
        ({"bindings": [binding([f"serviceAccount:a{i}@b" for i in range(1501)])]}, "1500"),
    ],
)
def test_policies_that_cannot_be_judged_are_refused(google, policy, text):
    before = google.iam.policies.get("project")
    with pytest.raises(GoogleError, match=text) as caught:
        google.iam.policies.set("project", policy)
    assert caught.value.code == "INVALID_ARGUMENT"
    assert google.iam.policies.get("project") == before


def test_stale_etag(google):
    old = google.iam.policies.get("project")
    google.iam.policies.set("project", {**old, "bindings": [*old["bindings"], binding(ME, "roles/browser")]})
    with pytest.raises(GoogleError, match="concurrent policy changes") as caught:
        google.iam.policies.set("project", old)
    assert caught.value.code == "ABORTED"


def test_bindings_are_merged_and_sorted(google):
    one, two = "serviceAccount:a@x", "serviceAccount:b@x"
    made = google.iam.policies.set(
        "buckets/b", {"bindings": [binding(two), binding(one), binding(two), binding([])]}
    )
    assert made["bindings"] == [{"role": "roles/storage.objectViewer", "members": [one, two]}]


def test_conditions_decide(google, clock):
    google.iam.policies.set(
        "buckets/b",
        {
            "version": 3,
            "bindings": [
                binding(
                    ME,
                    condition="resource.name.startsWith('projects/_/buckets/b/objects/in/') && "
                    "request.time < timestamp('2026-11-24T09:00:00Z')",
                )
            ],
        },
    )
    caller = google.caller(ACCOUNT, lifetime_s=10_000)
    base = "//storage.googleapis.com/projects/_/buckets/b"
    assert google.iam.allows(caller, "storage.objects.get", base + "/objects/in/x")
    assert not google.iam.allows(caller, "storage.objects.get", base + "/objects/out/x")
    # a condition on object names does not cover listing
    prefix = {LIST_PREFIX: "in/"}
    assert not google.iam.allows(caller, "storage.objects.list", base, attributes=prefix)
    clock.move(3600)
    assert not google.iam.allows(caller, "storage.objects.get", base + "/objects/in/x")


def test_unknown_permission_is_not_tested(google):
    with pytest.raises(GoogleError, match="Permission nothing is not valid"):
        google.iam.test(google.caller("owner-ada"), ["nothing"], BUCKET)


def test_every_permission_that_an_rpc_needs_is_in_some_role():
    table = rpc.table()
    needed = {n.permission for path, n in PERMISSIONS.items() if table.by_path(path) and n.permission}
    assert needed
    assert needed <= roles.ALL
