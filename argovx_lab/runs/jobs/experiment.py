"""The experiment run that a custom job was created under, as ML Metadata has it.

Owns the reading of what the vendor's SDK wrote there. Reads only.

Notes
-----
Source: keys ``_params``, ``_metrics`` and ``_state`` of a context ``system.ExperimentRun``, and the artifact
``CONTEXT-tb-run`` beside it, as google-cloud-aiplatform writes them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from argovx_lab.model.run import Experiment
from argovx_lab.runs.shapes import mapping, number, text
from argovx_lab.vertex.experiments import named

#: Parameters that a view is given. Unit: parameters.
PARAMS_MAX = 100

#: Longest value of one. Unit: characters.
VALUE_MAX = 500

#: Summary metrics that a view is given. Unit: metrics.
METRICS_MAX = 100


class Metadata(Protocol):
    """What is asked of ML Metadata."""

    def get(self, kind: str, node_id: str) -> dict[str, Any] | None:
        """Return a node, or ``None`` when it is not there."""


@dataclass(frozen=True)
class Logged:
    """An experiment run with its summary metrics, and the run of TensorBoard behind it (empty: none)."""

    experiment: Experiment
    metrics: Mapping[str, float] = field(default_factory=dict)
    board_run: str = ""


def read(metadata: Metadata, job: Mapping[str, Any]) -> Logged | None:
    """Return the experiment run of a job, or ``None`` when it names none.

    Raises
    ------
    ArgovxError
        When ML Metadata cannot be asked, or the job names what cannot be an id.
    """
    experiment, run = named(job)
    if not experiment:
        return None
    context = metadata.get("contexts", run) if run else None
    if context is None:
        return Logged(Experiment(experiment, run.removeprefix(f"{experiment}-")))
    noted = mapping(context.get("metadata"))
    artifact = metadata.get("artifacts", f"{run}-tb-run") or {}
    return Logged(
        Experiment(
            name=experiment,
            run=text(context.get("displayName")) or run.removeprefix(f"{experiment}-"),
            state=text(noted.get("_state")),
            params=_params(mapping(noted.get("_params"))),
        ),
        _metrics(mapping(noted.get("_metrics"))),
        text(mapping(artifact.get("metadata")).get("resourceName")),
    )


def _params(given: Mapping[str, Any]) -> dict[str, str]:
    return {text(name): _value(value)[:VALUE_MAX] for name, value in sorted(given.items())[:PARAMS_MAX]}


def _value(value: Any) -> str:
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))  # a Struct has no whole numbers: 3 comes back as 3.0
    return text(value) if isinstance(value, str) else text(str(value))


def _metrics(given: Mapping[str, Any]) -> dict[str, float]:
    found = {text(name): number(value) for name, value in sorted(given.items())[:METRICS_MAX]}
    return {name: value for name, value in found.items() if value is not None}
