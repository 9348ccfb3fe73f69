"""The metrics and monitored resources that the sandbox knows.

Source: https://cloud.google.com/monitoring/api/metrics_gcp_i_o, section ml
"""

from __future__ import annotations

from typing import Any, Final

Document = dict[str, Any]

CPU: Final = "ml.googleapis.com/training/cpu/utilization"
MEMORY: Final = "ml.googleapis.com/training/memory/utilization"
#: Type → description of a gauge of doubles between 0 and 1.
METRICS: Final[dict[str, tuple[str, str]]] = {
    CPU: ("CPU utilization", "Fraction of the allocated CPU that is currently in use."),
    MEMORY: ("Memory utilization", "Fraction of the allocated memory that is currently in use."),
}
RESOURCE: Final = "cloudml_job"
_LABELS: Final = {
    "project_id": "The project.",
    "job_id": "The id of the training job.",
    "task_name": "The replica, such as workerpool0-0.",
}


def metric(project: str, kind: str) -> Document:
    """Return the descriptor of one of our metrics."""
    title, text = METRICS[kind]
    return {
        "name": f"projects/{project}/metricDescriptors/{kind}",
        "type": kind,
        "metric_kind": "GAUGE",
        "value_type": "DOUBLE",
        "unit": "10^2.%",
        "display_name": title,
        "description": text,
        "launch_stage": "GA",
        "monitored_resource_types": [RESOURCE],
        "metadata": {"sample_period": "10s", "ingest_delay": "0s"},
    }


def resource(project: str) -> Document:
    """Return the descriptor of the jobs' monitored resource."""
    return {
        "name": f"projects/{project}/monitoredResourceDescriptors/{RESOURCE}",
        "type": RESOURCE,
        "display_name": "Cloud ML Job",
        "description": "A replica of a training job.",
        "labels": [{"key": key, "description": text} for key, text in _LABELS.items()],
    }
