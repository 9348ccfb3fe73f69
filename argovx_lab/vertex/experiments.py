"""How a custom job names the experiment that it was created under: pure.

Owns the two ways: the job's spec, else the variables that the vendor's SDK gives the job.

Notes
-----
Source: ``google.cloud.aiplatform.v1.CustomJobSpec.experiment_run``; ``AIP_EXPERIMENT_NAME`` as
``google.cloud.aiplatform.preview.jobs`` sets it. The context of a run is called ``EXPERIMENT-RUN``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def named(job: Mapping[str, Any]) -> tuple[str, str]:
    """Return the ids of the contexts of a job's experiment and experiment run; empty where it names none."""
    spec = _mapping(job.get("jobSpec"))
    experiment, run = _last(spec.get("experiment")), _last(spec.get("experimentRun"))
    if experiment or run:
        return experiment, run
    pools = spec.get("workerPoolSpecs")
    given = _variables(pools[0]) if isinstance(pools, list) and pools else {}
    experiment, run = given.get("AIP_EXPERIMENT_NAME", ""), given.get("AIP_EXPERIMENT_RUN_NAME", "")
    return experiment, f"{experiment}-{run}" if experiment and run else ""


def _variables(pool: Any) -> dict[str, str]:
    found: dict[str, str] = {}
    for kind in ("containerSpec", "pythonPackageSpec"):
        given = _mapping(_mapping(pool).get(kind)).get("env")
        for item in given if isinstance(given, list) else ():
            name, value = _mapping(item).get("name"), _mapping(item).get("value")
            if isinstance(name, str) and isinstance(value, str):
                found[name] = value
    return found


def _last(name: object) -> str:
    return name.rpartition("/")[2] if isinstance(name, str) else ""


def _mapping(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}
