"""Roles and the permissions they contain, as far as services of the sandbox ask for them.

A dated excerpt of Google's predefined roles (November 2026) and the custom roles that argovx-lab ships.
Owns the table; refuses a role that is not in it: an unknown role would silently grant nothing.
Source: https://cloud.google.com/iam/docs/roles-permissions
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final


def _each(resources: str, *verbs: str) -> frozenset[str]:
    return frozenset(f"{resource}.{verb}" for resource in resources.split() for verb in verbs)


_READ = ("get", "list")
_WRITE = ("create", "get", "list", "update", "delete")

_PROJECT_READ = frozenset({"resourcemanager.projects.get"})

_METADATA_READ = (
    _each("aiplatform.artifacts aiplatform.contexts aiplatform.executions", *_READ)
    | _each("aiplatform.metadataStores aiplatform.metadataSchemas", *_READ)
    | {
        "aiplatform.artifacts.queryArtifactLineageSubgraph",
        "aiplatform.contexts.queryContextLineageSubgraph",
        "aiplatform.executions.queryExecutionInputsAndOutputs",
    }
)
_METADATA_WRITE = _each(
    "aiplatform.artifacts aiplatform.contexts aiplatform.executions", "create", "update"
) | {
    "aiplatform.executions.addExecutionEvents",
    "aiplatform.contexts.addContextArtifactsAndExecutions",
    "aiplatform.contexts.addContextChildren",
    "aiplatform.contexts.removeContextChildren",
}
_TENSORBOARD = (
    "aiplatform.tensorboards aiplatform.tensorboardExperiments aiplatform.tensorboardRuns "
    "aiplatform.tensorboardTimeSeries"
)
_TENSORBOARD_READ = _each(_TENSORBOARD, *_READ) | {
    "aiplatform.tensorboardTimeSeries.batchRead",
    "aiplatform.tensorboardTimeSeries.read",
}
_TENSORBOARD_WRITE = _each(
    "aiplatform.tensorboardExperiments aiplatform.tensorboardRuns aiplatform.tensorboardTimeSeries",
    "create",
    "update",
) | {
    "aiplatform.tensorboardRuns.batchCreate",
    "aiplatform.tensorboardRuns.write",
    "aiplatform.tensorboardTimeSeries.batchCreate",
}
_JOBS_READ = _each("aiplatform.customJobs", *_READ)
_OPERATIONS = frozenset({"aiplatform.operations.get", "aiplatform.operations.list"})
_PERSISTENT = "aiplatform.persistentResources"
_LOGS_READ = _each("logging.logs logging.logEntries", "list") | {
    "logging.views.access",
    "logging.logEntries.get",
}
_SERIES_READ = frozenset(
    {
        "monitoring.timeSeries.list",
        "monitoring.metricDescriptors.get",
        "monitoring.metricDescriptors.list",
        "monitoring.monitoredResourceDescriptors.get",
        "monitoring.monitoredResourceDescriptors.list",
    }
)

_AIPLATFORM_USER = (
    _METADATA_READ
    | _METADATA_WRITE
    | _TENSORBOARD_READ
    | _TENSORBOARD_WRITE
    | _OPERATIONS
    | _each("aiplatform.customJobs", "create", "get", "list", "cancel", "delete")
    | _each("aiplatform.artifacts aiplatform.contexts aiplatform.executions", "delete")
    | _each("aiplatform.metadataStores aiplatform.metadataSchemas", "create", "delete")
    | _each(_TENSORBOARD, "create", "update", "delete")
    | _each(_PERSISTENT, *_WRITE, "reboot")
    | _each("aiplatform.operations", "cancel", "delete")
    | _each("aiplatform.locations", *_READ)
    | _PROJECT_READ
)

_OBJECT_VIEW = _each("storage.objects", *_READ) | _each("storage.managedFolders", *_READ) | _PROJECT_READ
_OBJECT_USER = (
    _OBJECT_VIEW
    | _each("storage.objects", "create", "delete", "update")
    | _each("storage.managedFolders", "create", "delete")
    | {"storage.multipartUploads.create", "storage.multipartUploads.abort", "storage.objects.move"}
)
_OBJECT_ADMIN = _OBJECT_USER | _each("storage.managedFolders", "getIamPolicy", "setIamPolicy")
_BUCKETS = _each("storage.buckets", *_WRITE, "getIamPolicy", "setIamPolicy")

#: Predefined role → permissions.
PREDEFINED: Final[Mapping[str, frozenset[str]]] = {
    "roles/storage.objectViewer": _OBJECT_VIEW,
    "roles/storage.objectCreator": _each("storage.multipartUploads", "create", "abort", "listParts")
    | {"storage.objects.create", "storage.managedFolders.create"}
    | _PROJECT_READ,
    "roles/storage.objectUser": _OBJECT_USER,
    "roles/storage.objectAdmin": _OBJECT_ADMIN,
    "roles/storage.bucketViewer": _each("storage.buckets", *_READ),
    "roles/storage.legacyBucketReader": frozenset({"storage.buckets.get", "storage.objects.list"}),
    "roles/storage.legacyObjectReader": frozenset({"storage.objects.get"}),
    "roles/storage.admin": _OBJECT_ADMIN | _BUCKETS,
    "roles/aiplatform.user": _AIPLATFORM_USER,
    "roles/aiplatform.viewer": (
        _METADATA_READ
        | _TENSORBOARD_READ
        | _JOBS_READ
        | _OPERATIONS
        | _each(_PERSISTENT, *_READ)
        | _each("aiplatform.locations", *_READ)
        | _PROJECT_READ
    ),
    # the identity of a job that names no service account: the project's storage, no cloud-platform scope
    "roles/aiplatform.customCodeServiceAgent": (
        _AIPLATFORM_USER
        | _OBJECT_USER
        | _each("storage.buckets", "create", *_READ)
        | {"logging.logEntries.create"}
    ),
    "roles/iam.serviceAccountUser": frozenset(
        {"iam.serviceAccounts.actAs", "iam.serviceAccounts.get", "iam.serviceAccounts.list"}
    )
    | _PROJECT_READ,
    "roles/iam.serviceAccountTokenCreator": frozenset(
        {
            "iam.serviceAccounts.get",
            "iam.serviceAccounts.getAccessToken",
            "iam.serviceAccounts.getOpenIdToken",
            "iam.serviceAccounts.implicitDelegation",
            "iam.serviceAccounts.list",
            "iam.serviceAccounts.signBlob",
            "iam.serviceAccounts.signJwt",
        }
    ),
    "roles/iam.workloadIdentityUser": frozenset(
        {
            "iam.serviceAccounts.get",
            "iam.serviceAccounts.getAccessToken",
            "iam.serviceAccounts.getOpenIdToken",
            "iam.serviceAccounts.list",
        }
    ),
    "roles/iam.serviceAccountAdmin": _each("iam.serviceAccounts", *_WRITE, "getIamPolicy", "setIamPolicy")
    | _PROJECT_READ,
    "roles/resourcemanager.projectIamAdmin": _each("resourcemanager.projects", "getIamPolicy", "setIamPolicy")
    | _PROJECT_READ,
    "roles/iam.securityReviewer": frozenset(
        {
            "iam.serviceAccounts.getIamPolicy",
            "resourcemanager.projects.getIamPolicy",
            "storage.buckets.getIamPolicy",
            "storage.managedFolders.getIamPolicy",
        }
    ),
    "roles/logging.viewer": _LOGS_READ | _PROJECT_READ,
    "roles/logging.privateLogViewer": _LOGS_READ | _PROJECT_READ | {"logging.privateLogEntries.list"},
    "roles/logging.admin": _LOGS_READ
    | _PROJECT_READ
    | {
        "logging.logs.delete",
        "logging.logEntries.create",
        "logging.logEntries.route",
        "logging.privateLogEntries.list",
    },
    "roles/logging.logWriter": frozenset({"logging.logEntries.create", "logging.logEntries.route"}),
    "roles/monitoring.viewer": _SERIES_READ | _PROJECT_READ,
    "roles/browser": _PROJECT_READ,
}

#: Custom role id → permissions; in policies they are ``projects/<project>/roles/<id>``.
CUSTOM: Final[Mapping[str, frozenset[str]]] = {
    "argovxSubmitter": _each("aiplatform.customJobs", "create", "get", "list", "cancel"),
    "argovxPanelReader": (
        _JOBS_READ | _METADATA_READ | _TENSORBOARD_READ | _OPERATIONS | _SERIES_READ | _PROJECT_READ
    ),
    # for notebooks whose panel may stop custom jobs that no step started
    "argovxJobStopper": _each("aiplatform.customJobs", "get", "cancel"),
    # what a launcher and a job record about a step
    "argovxLineageWriter": _METADATA_READ
    | _METADATA_WRITE
    | _OPERATIONS
    | {"aiplatform.metadataStores.create"},
    "argovxStepRunner": _METADATA_READ
    | _METADATA_WRITE
    | _TENSORBOARD_READ
    | _TENSORBOARD_WRITE
    | _OPERATIONS,
}

#: Every permission that some role of this table contains.
ALL: Final[frozenset[str]] = frozenset().union(*PREDEFINED.values(), *CUSTOM.values())


def permissions(role: str, project: str) -> frozenset[str] | None:
    """Return what a role contains, or ``None`` when the role does not exist in this project."""
    if role.startswith("roles/"):
        return PREDEFINED.get(role)
    head = f"projects/{project}/roles/"
    return CUSTOM.get(role.removeprefix(head)) if role.startswith(head) else None


def custom(project: str, role_id: str) -> str:
    """Return the full name of one of our custom roles."""
    if role_id not in CUSTOM:
        raise KeyError(role_id)
    return f"projects/{project}/roles/{role_id}"


def union(names: Iterable[str]) -> frozenset[str]:
    """Return the permissions of several predefined roles."""
    return frozenset().union(*(PREDEFINED[name] for name in names))
