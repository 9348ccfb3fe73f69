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
    "google.cloud.resourcemanager.v3": "cloudresourcemanager.googleapis.com",
}


@dataclass(frozen=True)
class Needed:
    """One permission and the request field that names the resource (dotted; may hold a list)."""

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


_META = f"/{_AI}MetadataService/"
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
    "/google.logging.v2.LoggingServiceV2/ListLogEntries": Needed("logging.logEntries.list", "resource_names"),
    "/google.cloud.resourcemanager.v3.Projects/GetProject": Needed("resourcemanager.projects.get", "name"),
}
#: Calls that change nothing: read-only scopes are enough for them.
READS = ("get", "list", "query", "wait", "read", "search", "batchRead")


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
