"""What a new sandbox starts with: principals, service accounts, policies and the bucket.

Owns the least that each principal needs, as a real project would be set up; nobody may do everything: the
owner can neither write logs nor act as other people's service accounts, until a policy that the owner may
set says so. A project that was seeded for a user
is left as it is, so that what was changed since then stays.
"""

from __future__ import annotations

from argovx_lab.sandbox.google import roles
from argovx_lab.sandbox.google.accounts import Accounts
from argovx_lab.sandbox.google.iam import Iam, principal
from argovx_lab.sandbox.google.storage.buckets import Buckets
from argovx_lab.sandbox.google.store import Store

#: The pool that trusts the sandbox's cluster.
POOL = "argovx"


def seed(
    store: Store,
    iam: Iam,
    accounts: Accounts,
    buckets: Buckets,
    *,
    user: str,
    bucket: str,
    namespace: str,
    location: str = "US-CENTRAL1",
    prefix: str = "",
) -> None:
    """Set up the project for one user.

    Parameters
    ----------
    store, iam, accounts, buckets
        The services' state; all of it is written at once or not at all.
    user : str
        Slug: names ``owner-<user>``, ``nb-<user>``, ``wf-<user>`` and ``u-<user>``.
    bucket : str
        Created where it does not exist.
    namespace : str
        Kubernetes namespace of the ServiceAccounts.
    location, prefix : str
        Where the bucket is; the folder in it under which argovx-lab works, which may be empty.
    """
    if accounts.exists(accounts.email(f"u-{user}")):
        return
    head = f"{prefix.strip('/')}/" if prefix.strip("/") else ""
    own, datasets = f"{head}users/{user}/", f"{head}datasets/"
    with store.transaction():
        _project(iam, accounts)
        if not buckets.exists(bucket):
            buckets.create(bucket, {"location": location})
        for folder in (own, datasets):
            if not buckets.folder_exists(bucket, folder):
                buckets.create_folder(bucket, folder)
        _user(iam, accounts, user, namespace, f"buckets/{bucket}/managedFolders/", own, datasets)


def _project(iam: Iam, accounts: Accounts) -> None:
    agent = accounts.custom_code_agent
    accounts.create(agent, "Vertex AI custom code service agent")
    _grant(iam, "project", "roles/aiplatform.customCodeServiceAgent", f"serviceAccount:{agent}")


def _user(
    iam: Iam, accounts: Accounts, user: str, namespace: str, folders: str, own: str, datasets: str
) -> None:
    def member(kind: str) -> str:
        return principal(iam.number, POOL, f"system:serviceaccount:{namespace}:{kind}-{user}")

    owner, notebook, workflow = member("owner"), member("nb"), member("wf")
    email = accounts.email(f"u-{user}")
    accounts.create(email, f"run-as of the jobs of {user}")
    run_as, account = f"serviceAccount:{email}", f"serviceAccounts/{email}"

    for role in (
        "roles/aiplatform.user",
        "roles/storage.admin",
        "roles/logging.viewer",
        "roles/logging.privateLogViewer",
        "roles/monitoring.viewer",
        "roles/resourcemanager.projectIamAdmin",
        "roles/iam.serviceAccountAdmin",
    ):
        _grant(iam, "project", role, owner)
    _grant(iam, account, "roles/iam.serviceAccountUser", owner)

    _grant(iam, "project", roles.custom(iam.project, "argovxPanelReader"), notebook)
    _grant(iam, "project", "roles/logging.viewer", notebook)
    # alias files and checkpoints may be overwritten, which needs delete
    _grant(iam, folders + own, "roles/storage.objectUser", notebook)
    # the person puts datasets; what runs for them only reads
    _grant(iam, folders + datasets, "roles/storage.objectUser", notebook)

    _grant(iam, "project", roles.custom(iam.project, "argovxSubmitter"), workflow)
    _grant(iam, "project", roles.custom(iam.project, "argovxLineageWriter"), workflow)
    _grant(iam, account, "roles/iam.serviceAccountUser", workflow)
    _grant(iam, folders + own, "roles/storage.objectCreator", workflow)
    _grant(iam, folders + own, "roles/storage.objectViewer", workflow)
    _grant(iam, folders + datasets, "roles/storage.objectViewer", workflow)

    _grant(iam, "project", roles.custom(iam.project, "argovxStepRunner"), run_as)
    _grant(iam, "project", "roles/logging.logWriter", run_as)
    _grant(iam, folders + own, "roles/storage.objectUser", run_as)
    _grant(iam, folders + datasets, "roles/storage.objectViewer", run_as)


def _grant(iam: Iam, key: str, role: str, member: str) -> None:
    """Add one binding where it is not there."""
    if not any(member in b["members"] and b["role"] == role for b in iam.policies.get(key)["bindings"]):
        iam.policies.add(key, role, member)
