"""Machine types, accelerators and disks of custom training, from a small dated data file.

Owns which combinations exist. Prices and quotas are not here: nothing on this machine costs or runs out.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

#: Where the table is, with its date and source.
DATA = Path(__file__).parent / "catalogue.json"


@cache
def _data() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads(DATA.read_text(encoding="utf-8"))
    return found


def known_machine(machine_type: str) -> bool:
    """Say whether custom training has this machine type."""
    family, _, size = machine_type.rpartition("-")
    sizes = _data()["families"].get(family, ())
    return machine_type in _data()["implied"] or (size.isdigit() and int(size) in sizes)


def accelerator_problem(machine_type: str, accelerator: str, count: int) -> str:
    """Return why the accelerator does not go with the machine, or the empty string."""
    implied = _data()["implied"].get(machine_type)
    if implied is not None:
        if accelerator in ("", implied[0]) and count in (0, implied[1]):
            return ""
        return f'Machine type "{machine_type}" comes with exactly {implied[1]} {implied[0]}.'
    if not accelerator:
        return "Accelerator type is required when accelerator count is set." if count else ""
    counts = _data()["attachable"].get(accelerator)
    if counts is None or machine_type.rpartition("-")[0] not in _data()["attachable_families"]:
        return f'Accelerator "{accelerator}" is not supported for machine type "{machine_type}".'
    if count not in counts:
        return f'Accelerator count {count} is not supported for "{accelerator}"; use one of {counts}.'
    return ""


def accelerator_of(machine_type: str, accelerator: str) -> str:
    """Return the accelerator a machine has, implied or attached."""
    implied = _data()["implied"].get(machine_type)
    return str(implied[0]) if implied else accelerator


#: Memory per vCPU where a family's name does not say more. Unit: GB. Source: the machine families' pages.
_GB_PER_CPU = {"n1-standard": 3.75, "n1-highmem": 6.5, "n1-highcpu": 0.9, "n2-highcpu": 1, "e2-highcpu": 1}
_GB_BY_NAME = {"highcpu": 2, "standard": 4, "highmem": 8, "highgpu": 7.1, "ultragpu": 14.2, "megamem": 14.9}


def cpus(machine_type: str) -> int:
    """Return the number of vCPUs of a machine type."""
    size = machine_type.rpartition("-")[2]
    if size.isdigit():
        return max(1, int(size))
    gpus = size.removesuffix("g")
    return 12 * int(gpus) if gpus.isdigit() else 1


def memory_bytes(machine_type: str) -> int:
    """Return the memory of a machine type."""
    family = machine_type.rpartition("-")[0]
    each = _GB_PER_CPU.get(family, _GB_BY_NAME.get(family.partition("-")[2], 4))
    return int(cpus(machine_type) * each * 10**9)


def flex_start(accelerator: str) -> bool:
    """Say whether FLEX_START serves this accelerator."""
    return accelerator in _data()["flex_start_accelerators"]


def disk_problem(kind: str, size_gb: int) -> str:
    """Return why a boot disk is refused, or the empty string."""
    limits = _data()["boot_disks"].get(kind)
    if limits is None:
        return f'Boot disk type "{kind}" is not supported; use one of {", ".join(_data()["boot_disks"])}.'
    if not limits[0] <= size_gb <= limits[1]:
        return f"Boot disk size must be between {limits[0]} and {limits[1]} GB, but is {size_gb}."
    return ""
