"""Machines and accelerators, and which go together: a dated file and the questions asked of it.

Owns the reading of ``n1-standard-8+T4*2``. Refuses what the file does not allow, naming the nearest
that it does. Prices are not in it.
"""

from __future__ import annotations

import difflib
import json
import re
from functools import cache
from importlib import resources
from typing import Any

from argovx_lab.errors import SpecError
from argovx_lab.model.step import Machine

_TEXT = re.compile(r"([a-z0-9-]+)(?:\+([A-Za-z0-9_]+)(?:\*([0-9]{1,2}))?)?\Z", re.ASCII)


@cache
def catalog() -> dict[str, Any]:
    """Return the file's content; ``as_of`` says how old it is."""
    text = resources.files("argovx_lab.vertex").joinpath("catalog.json").read_text("utf-8")
    data: dict[str, Any] = json.loads(text)
    return data


@cache
def machine_types() -> tuple[str, ...]:
    """Return all machine types, sorted by family and size."""
    data = catalog()
    plain = [f"{family}-{size}" for family, sizes in data["plain"].items() for size in sizes]
    return (*plain, *data["built_in"])


def parse_machine(text: str) -> Machine:
    """Read ``MACHINE[+ACCELERATOR[*N]]``, such as ``n1-standard-8+T4*2``.

    Raises
    ------
    SpecError
        For an unknown machine or accelerator, or a pair that Vertex does not offer.
    """
    match = _TEXT.match(text.strip())
    if match is None:
        raise SpecError(
            f"{text!r} is not a machine", hint="Write MACHINE[+ACCELERATOR[*N]], such as n1-standard-8+T4*2."
        )
    machine, short, count = match.group(1), match.group(2) or "", int(match.group(3) or 1)
    if machine not in machine_types():
        raise SpecError(f"there is no machine type {machine!r}", hint=_nearest(machine, machine_types()))
    accelerator = _accelerator(short) if short else ""
    built_in = catalog()["built_in"].get(machine)
    if built_in:
        return _built_in(machine, built_in[0], built_in[1], accelerator, count if match.group(3) else 0)
    return _attached(machine, accelerator, count) if accelerator else Machine(machine)


def _accelerator(text: str) -> str:
    short: dict[str, str] = catalog()["short"]
    name = text.upper()
    if name in short:
        return short[name]
    if name in short.values():
        return name
    raise SpecError(f"there is no accelerator {text!r}", hint=_nearest(name, tuple(short)))


def _built_in(machine: str, accelerator: str, count: int, asked: str, asked_count: int) -> Machine:
    if (asked and asked != accelerator) or (asked_count and asked_count != count):
        raise SpecError(f"{machine} comes with {count} × {accelerator}", hint=f"Write just {machine}.")
    return Machine(machine, accelerator, count)


def _attached(machine: str, accelerator: str, count: int) -> Machine:
    attached = catalog()["attached"]
    allowed: dict[str, int] | None = attached["accelerators"].get(accelerator)
    if allowed is None:
        homes = [name for name, (kind, _) in catalog()["built_in"].items() if kind == accelerator]
        raise SpecError(
            f"{accelerator} cannot be attached to {machine}", hint=f"It comes with {', '.join(homes)}."
        )
    if not machine.startswith(attached["family"]):
        raise SpecError(
            f"{accelerator} cannot be attached to {machine}", hint="Accelerators are attached to n1 machines."
        )
    if str(count) not in allowed:
        raise SpecError(f"{count} × {accelerator} is not offered", hint=f"Allowed are {', '.join(allowed)}.")
    cpus = int(machine.rpartition("-")[2])
    if cpus > allowed[str(count)]:
        enough = next(number for number, most in allowed.items() if cpus <= most)
        raise SpecError(
            f"{machine} takes more than {count} × {accelerator}",
            hint=f"Write {machine}+{accelerator}*{enough}.",
        )
    return Machine(machine, accelerator, count)


def _nearest(text: str, choices: tuple[str, ...]) -> str:
    near = difflib.get_close_matches(text, choices, n=3, cutoff=0.5)
    return f"Did you mean {', '.join(near)}?" if near else f"Allowed are {', '.join(choices[:8])} …"
