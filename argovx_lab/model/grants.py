"""The commands that give what is missing: one line each, with the narrowest role that has the permission.

Owns the words of remedies. Pure: nothing is asked or run here.
Source: reference of gcloud (``storage managed-folders``, ``projects``, ``iam service-accounts``) and kubectl.
"""

from __future__ import annotations

from collections.abc import Iterable

#: Roles on a managed folder, the narrowest first, with what they give of objects.
_OBJECT_ROLES = (
    ("roles/storage.objectViewer", frozenset({"get", "list"})),
    ("roles/storage.objectCreator", frozenset({"create"})),
    ("roles/storage.objectUser", frozenset({"create", "get", "list", "update", "delete"})),
)

#: The custom role of those who submit jobs. Source: docs/profiles.md.
SUBMITTER = "argovxSubmitter"

#: The custom role of notebooks and the panel. Source: docs/profiles.md.
READER = "argovxPanelReader"

#: The custom role of those who record lineage. Source: docs/profiles.md.
LINEAGE_WRITER = "argovxLineageWriter"

#: On a project: who holds one of these can give themselves all the rest, as an owner can.
WIDE = (
    "resourcemanager.projects.setIamPolicy",
    "iam.serviceAccounts.setIamPolicy",
    "storage.buckets.setIamPolicy",
)


def member_of(audience: str, subject: str) -> str:
    """Return how IAM spells a federated subject.

    Parameters
    ----------
    audience : str
        The provider, ``//iam.googleapis.com/projects/…/workloadIdentityPools/POOL/providers/PROVIDER``.
    subject : str
        Such as ``system:serviceaccount:NAMESPACE:NAME``.
    """
    pool = audience.partition("//iam.googleapis.com/")[2].partition("/providers/")[0]
    return f"principal://iam.googleapis.com/{pool}/subject/{subject}"


def folder_grant(bucket: str, folder: str, member: str, permissions: Iterable[str]) -> str:
    """Return the lines that give object permissions on a managed folder; ``folder`` ends with ``/``."""
    wanted = {permission.rpartition(".")[2] for permission in permissions}
    whole = [role for role, verbs in _OBJECT_ROLES if wanted <= verbs][:1]
    found = whole or [role for role, verbs in _OBJECT_ROLES[:2] if wanted & verbs]
    return " && ".join(
        f"gcloud storage managed-folders add-iam-policy-binding gs://{bucket}/{folder} "
        f"--member={member} --role={role}"
        for role in found
    )


def project_grant(project: str, member: str, role: str) -> str:
    """Return the line that binds a role on a project; a bare name is a custom role of it."""
    whole = role if role.startswith("roles/") else f"projects/{project}/roles/{role}"
    return f"gcloud projects add-iam-policy-binding {project} --member={member} --role={whole}"


def act_as_grant(account: str, project: str, member: str) -> str:
    """Return the line that lets somebody run jobs as a service account."""
    return (
        f"gcloud iam service-accounts add-iam-policy-binding {account} --project={project} "
        f"--role=roles/iam.serviceAccountUser --member={member}"
    )


def namespace_grant(namespace: str, account: str, verbs: Iterable[str], resource: str) -> str:
    """Return the lines that give a ServiceAccount verbs on one of Argo's resources.

    Parameters
    ----------
    account : str
        Name of a ServiceAccount of the namespace.
    """
    name = f"argovx-{account}-{resource}"
    create = f"kubectl -n {namespace} create"
    return (
        f"{create} role {name} --verb={','.join(verbs)} --resource={resource}.argoproj.io"
        f" && {create} rolebinding {name} --role={name} --serviceaccount={namespace}:{account}"
    )


def wide(project: str, member: str, held: Iterable[str]) -> tuple[bool | None, str, str, bool]:
    """Judge which of :data:`WIDE` a principal holds: whether that is well, what was seen, what to do.

    The last says that it is a warning: with too many rights everything works, so they are no fault.
    """
    found = sorted(held)
    if not found:
        return True, "yes", "", False
    look = (
        f'gcloud projects get-iam-policy {project} --flatten=bindings --filter="bindings.members:{member}" '
        "--format='value(bindings.role)'; remove what is wider than the roles of `argovx platform roles`"
    )
    return None, f"{member} may do much more on project {project}: {', '.join(found)}", look, True
