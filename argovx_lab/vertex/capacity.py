"""How Vertex finds the machines: Spot, Flex-start, several workers, disks and held machines.

Owns which of these go together, and the words for a job that waits for them. Refuses what Vertex would refuse
minutes later, naming the nearest that it takes. Pure.

Notes
-----
Source: https://cloud.google.com/vertex-ai/docs/training, schedule jobs based on resource availability; Spot
VMs; persistent resources; limits as in ``catalog.json``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from argovx_lab.errors import SpecError
from argovx_lab.model.step import Machine
from argovx_lab.vertex import states
from argovx_lab.vertex.catalog import catalog
from argovx_lab.vertex.custom_job import SPOT

FLEX_START = "FLEX_START"

_PERSISTENT = re.compile(r"[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?\Z", re.ASCII)


def with_capacity(
    machine: Machine,
    *,
    spot: bool = False,
    flex_start: bool = False,
    workers: int = 1,
    disk_gb: int = 0,
    persistent: str = "",
) -> Machine:
    """Return the machine with the way it is found.

    Parameters
    ----------
    workers : int
        How many machines in all.
    disk_gb : int
        Boot disk in GB; 0 for Vertex's default.
    persistent : str
        Id of a persistent resource; empty for machines of the job's own.

    Raises
    ------
    SpecError
        When Vertex does not offer it, with the nearest that it does.
    """
    _check_together(spot=spot, flex_start=flex_start, persistent=persistent)
    most = int(catalog()["replicas_max"])
    if not 1 <= workers <= most:
        raise SpecError(
            f"--workers {workers} is not offered", hint=f"Write --workers {min(max(workers, 1), most)}."
        )
    low, high = catalog()["disk_gb"]
    if disk_gb and not low <= disk_gb <= high:
        raise SpecError(
            f"--disk {disk_gb} is not a boot disk's size in GB",
            hint=f"Write --disk {min(max(disk_gb, low), high)}; allowed are {low} to {high}.",
        )
    if flex_start and machine.accelerator not in catalog()["flex_start"]:
        raise SpecError(
            f"--flex-start does not serve {machine.accelerator or 'machines without accelerator'}",
            hint=f"Write --on {_flexible(machine)} --flex-start.",
        )
    strategy = SPOT if spot else FLEX_START if flex_start else machine.strategy
    return replace(machine, strategy=strategy, replicas=workers, disk_gb=disk_gb, persistent=persistent)


def waiting_for(job: Mapping[str, Any]) -> str:
    """Return what a job that does not run yet is waiting for, without the time; empty when it is not."""
    spec = job.get("jobSpec") or {}
    strategy = (spec.get("scheduling") or {}).get("strategy", "")
    state = str(job.get("state", ""))
    if state == states.QUEUED:
        held = spec.get("persistentResourceId")
        return f"waiting for a machine of {held}" if held else "waiting for capacity"
    if state == states.PENDING:
        return "waiting for capacity" if strategy in (SPOT, FLEX_START) else "machines are being prepared"
    return "machines are being changed" if state == states.UPDATING else ""


def scarce(job: Mapping[str, Any]) -> str:
    """Return :func:`waiting_for` where the step asked for scarce or held machines; else nothing unusual."""
    spec = job.get("jobSpec") or {}
    strategy = (spec.get("scheduling") or {}).get("strategy", "")
    return waiting_for(job) if strategy in (SPOT, FLEX_START) or spec.get("persistentResourceId") else ""


def waiting(job: Mapping[str, Any], seconds: float) -> str:
    """Return what a job that does not run yet is waiting for: ``waiting for capacity, 7 min``.

    Parameters
    ----------
    job : dict
        The custom job; its scheduling says what it waits for.
    seconds : float
        Since when it has waited, in seconds.

    Returns
    -------
    str
        Empty when the job is in no state of waiting.
    """
    what = waiting_for(job)
    return f"{what}, {span(seconds)}" if what else ""


def anew(number: int, machine_strategy: str) -> str:
    """Return the sentence for a job that Vertex has started anew, the first time with ``number`` 1."""
    why = "its Spot machine was taken away or failed" if machine_strategy == SPOT else "its machine failed"
    return f"started anew by Vertex (restart {number}): {why}; the cell finds its checkpoint folder"


def _check_together(*, spot: bool, flex_start: bool, persistent: str) -> None:
    if spot and flex_start:
        raise SpecError("--spot and --flex-start exclude one another", hint="Give one of them.")
    if persistent and (spot or flex_start):
        flag = "--spot" if spot else "--flex-start"
        raise SpecError(
            f"{flag} looks for new machines, --persistent uses held ones", hint=f"Leave {flag} out."
        )
    if persistent and not _PERSISTENT.match(persistent):
        raise SpecError(
            f"--persistent {persistent!r} is not the id of a persistent resource",
            hint="Write its id: small letters, digits and '-', beginning with a letter, such as my-pool.",
        )


def _flexible(machine: Machine) -> str:
    """Return the smallest machine that Flex-start serves with at least as many processors."""
    served = set(catalog()["flex_start"])
    family = [name for name, (kind, _) in catalog()["built_in"].items() if kind in served]
    wanted = _size(machine.type)
    plain: list[str] = [name for name in family if name.startswith("g2-")]
    return min(plain, key=lambda name: (_size(name) < wanted, abs(_size(name) - wanted)))


def _size(machine: str) -> int:
    last = machine.rpartition("-")[2]
    return int(last) if last.isdigit() else 0


def span(seconds: float) -> str:
    """Return ``40 s``, ``7 min`` or ``2 h 5 min``."""
    whole = max(int(seconds), 0)
    if whole < 60:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 60:
        return f"{minutes} min"
    return f"{minutes // 60} h {minutes % 60} min" if minutes % 60 else f"{minutes // 60} h"
