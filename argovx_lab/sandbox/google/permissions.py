"""Which permission every emulated RPC needs, and on which field of its request.

Owns the table; a described RPC without a row cannot be called. Handlers ask for further permissions
themselves (``iam.serviceAccounts.actAs``).
Source: https://cloud.google.com/iam/docs/permissions-reference
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_AI = "google.cloud.aiplatform.v1."
#: Service → the API's host name, as policies and scopes know it.
HOSTS: Mapping[str, str] = {
    "google.cloud.aiplatform.v1": "aiplatform.googleapis.com",
    "google.longrunning": "aiplatform.googleapis.com",
    "google.cloud.location": "aiplatform.googleapis.com",
    "google.logging.v2": "logging.googleapis.com",
    "google.monitoring.v3": "monitoring.googleapis.com",
    "google.iam.admin.v1": "iam.googleapis.com",
    "google.iam.credentials.v1": "iamcredentials.googleapis.com",
    "google.cloud.resourcemanager.v3": "cloudresourcemanager.googleapis.com",
}


@dataclass(frozen=True)
class Needed:
    """One permission and the request field that names the resource (dotted; may hold a list).

    Without a field the handler asks itself: the request names its resource in a way of its own, or the
    method is for everybody.
    """

    permission: str
    field: str


def _crud(
    service: str, resource: str, plural: str, verbs: str = "Create Get List Update Delete"
) -> Iterator[tuple[str, Needed]]:
    many = plural[0].upper() + plural[1:]
    single = many if many.endswith("TimeSeries") else many[:-1]
    fields = {"Create": "parent", "List": "parent", "Update": f"{resource}.name"}
    for verb in verbs.split():
        method = verb + (many if verb == "List" else single)
        permission = f"aiplatform.{plural}.{verb.lower()}"
        yield f"/{_AI}{service}/{method}", Needed(permission, fields.get(verb, "name"))


def _iam(prefix: str, service: str, noun: str) -> Iterator[tuple[str, Needed]]:
    for verb, permission in (("GetIamPolicy", "getIamPolicy"), ("SetIamPolicy", "setIamPolicy")):
        yield f"{prefix}{verb}", Needed(f"{service}.{noun}.{permission}", "resource")
    yield f"{prefix}TestIamPermissions", Needed("", "")


_META = f"/{_AI}MetadataService/"
_ACCOUNTS = "/google.iam.admin.v1.IAM/"
_LOGS = "/google.logging.v2.LoggingServiceV2/"
_METRICS = "/google.monitoring.v3.MetricService/"
_PROJECTS = "/google.cloud.resourcemanager.v3.Projects/"
_TB = f"/{_AI}TensorboardService/"
PERMISSIONS: Mapping[str, Needed] = {
    **dict(_crud("JobService", "custom_job", "customJobs", "Create Get List Delete")),
    f"/{_AI}JobService/CancelCustomJob": Needed("aiplatform.customJobs.cancel", "name"),
    **dict(_crud("MetadataService", "metadata_store", "metadataStores", "Create Get List Delete")),
    **dict(_crud("MetadataService", "metadata_schema", "metadataSchemas", "Create Get List")),
    **dict(_crud("MetadataService", "artifact", "artifacts")),
    **dict(_crud("MetadataService", "execution", "executions")),
    **dict(_crud("MetadataService", "context", "contexts")),
    _META + "AddContextArtifactsAndExecutions": Needed(
        "aiplatform.contexts.addContextArtifactsAndExecutions", "context"
    ),
    _META + "AddContextChildren": Needed("aiplatform.contexts.addContextChildren", "context"),
    _META + "RemoveContextChildren": Needed("aiplatform.contexts.removeContextChildren", "context"),
    _META + "QueryContextLineageSubgraph": Needed(
        "aiplatform.contexts.queryContextLineageSubgraph", "context"
    ),
    _META + "AddExecutionEvents": Needed("aiplatform.executions.addExecutionEvents", "execution"),
    _META + "QueryExecutionInputsAndOutputs": Needed(
        "aiplatform.executions.queryExecutionInputsAndOutputs", "execution"
    ),
    _META + "QueryArtifactLineageSubgraph": Needed(
        "aiplatform.artifacts.queryArtifactLineageSubgraph", "artifact"
    ),
    **dict(_crud("TensorboardService", "tensorboard", "tensorboards")),
    **dict(_crud("TensorboardService", "tensorboard_experiment", "tensorboardExperiments")),
    **dict(_crud("TensorboardService", "tensorboard_run", "tensorboardRuns")),
    **dict(_crud("TensorboardService", "tensorboard_time_series", "tensorboardTimeSeries")),
    _TB + "BatchCreateTensorboardRuns": Needed("aiplatform.tensorboardRuns.batchCreate", "parent"),
    _TB + "BatchCreateTensorboardTimeSeries": Needed(
        "aiplatform.tensorboardTimeSeries.batchCreate", "parent"
    ),
    _TB + "WriteTensorboardRunData": Needed("aiplatform.tensorboardRuns.write", "tensorboard_run"),
    _TB + "ReadTensorboardTimeSeriesData": Needed(
        "aiplatform.tensorboardTimeSeries.read", "tensorboard_time_series"
    ),
    _TB + "BatchReadTensorboardTimeSeriesData": Needed(
        "aiplatform.tensorboardTimeSeries.batchRead", "tensorboard"
    ),
    _TB + "ExportTensorboardTimeSeriesData": Needed(
        "aiplatform.tensorboardTimeSeries.read", "tensorboard_time_series"
    ),
    "/google.longrunning.Operations/GetOperation": Needed("aiplatform.operations.get", "name"),
    "/google.longrunning.Operations/WaitOperation": Needed("aiplatform.operations.get", "name"),
    "/google.longrunning.Operations/ListOperations": Needed("aiplatform.operations.list", "name"),
    "/google.cloud.location.Locations/GetLocation": Needed("aiplatform.locations.get", "name"),
    "/google.cloud.location.Locations/ListLocations": Needed("aiplatform.locations.list", "name"),
    **dict(_crud("PersistentResourceService", "persistent_resource", "persistentResources")),
    f"/{_AI}PersistentResourceService/RebootPersistentResource": Needed(
        "aiplatform.persistentResources.reboot", "name"
    ),
    _META + "PurgeArtifacts": Needed("aiplatform.artifacts.delete", "parent"),
    _META + "PurgeExecutions": Needed("aiplatform.executions.delete", "parent"),
    _META + "PurgeContexts": Needed("aiplatform.contexts.delete", "parent"),
    _TB + "WriteTensorboardExperimentData": Needed(
        "aiplatform.tensorboardRuns.write", "tensorboard_experiment"
    ),
    "/google.longrunning.Operations/CancelOperation": Needed("aiplatform.operations.cancel", "name"),
    "/google.longrunning.Operations/DeleteOperation": Needed("aiplatform.operations.delete", "name"),
    _LOGS + "ListLogEntries": Needed("logging.logEntries.list", "resource_names"),
    _LOGS + "WriteLogEntries": Needed("logging.logEntries.create", ""),
    _LOGS + "ListLogs": Needed("logging.logs.list", "parent"),
    _LOGS + "DeleteLog": Needed("logging.logs.delete", "log_name"),
    _METRICS + "ListTimeSeries": Needed("monitoring.timeSeries.list", "name"),
    _METRICS + "ListMetricDescriptors": Needed("monitoring.metricDescriptors.list", "name"),
    _METRICS + "GetMetricDescriptor": Needed("monitoring.metricDescriptors.get", "name"),
    _METRICS + "ListMonitoredResourceDescriptors": Needed(
        "monitoring.monitoredResourceDescriptors.list", "name"
    ),
    _METRICS + "GetMonitoredResourceDescriptor": Needed(
        "monitoring.monitoredResourceDescriptors.get", "name"
    ),
    _PROJECTS + "GetProject": Needed("resourcemanager.projects.get", "name"),
    **dict(_iam(_PROJECTS, "resourcemanager", "projects")),
    **dict(_iam(_ACCOUNTS, "iam", "serviceAccounts")),
    _ACCOUNTS + "ListServiceAccounts": Needed("iam.serviceAccounts.list", "name"),
    _ACCOUNTS + "GetServiceAccount": Needed("iam.serviceAccounts.get", "name"),
    _ACCOUNTS + "CreateServiceAccount": Needed("iam.serviceAccounts.create", "name"),
    _ACCOUNTS + "DeleteServiceAccount": Needed("iam.serviceAccounts.delete", "name"),
    "/google.iam.credentials.v1.IAMCredentials/GenerateAccessToken": Needed(
        "iam.serviceAccounts.getAccessToken", "name"
    ),
}
#: Calls that change nothing: read-only scopes are enough for them.
READS = ("get", "list", "query", "wait", "read", "search", "batchRead", "testIam")


def host(service: str) -> str:
    """Return the API's host name of ``google.logging.v2.LoggingServiceV2`` and its kin."""
    return HOSTS.get(service.rpartition(".")[0], "aiplatform.googleapis.com")


def resources(message: Mapping[str, Any], field: str) -> list[str]:
    """Return the resource names in a request's field; one empty string when it is not set."""
    value: Any = message
    for part in field.split("."):
        value = value.get(part) if isinstance(value, Mapping) else None
    if isinstance(value, list):
        return [str(item) for item in value] or [""]
    return [str(value or "")]
