"""What decides a step's result, as digests: the key under which it may be used again, and what changed.

Owns the normal form of code: comments, blank lines and formatting do not count, nor in which order
definitions ran. Does not see what the code reads by itself (files, addresses, clocks, random numbers
without a seed), nor what an image's tag stands for today. Pure.
"""

from __future__ import annotations

import ast
import functools
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from argovx_lab.capture.cells import parse
from argovx_lab.model.step import Machine, StepSpec, canonical

#: Grows when the same parts come to mean something else.
VERSION = 1

#: Length of a key, which is the value of a label. Unit: hexadecimal digits. Source: Kubernetes allows 63.
KEY_LENGTH = 60

#: Length of the digest of a part. Unit: hexadecimal digits.
_PART_LENGTH = 32

#: Part → what people call it.
WORDS = {
    "code": "the cell's code",
    "definitions": "a definition that it uses",
    "inputs": "an input",
    "outputs": "its outputs",
    "packages": "packages or image",
    "python": "the kernel's Python",
    "machine": "the machine's accelerator or how many machines",
    "account": "the account that it runs as",
}


@dataclass(frozen=True)
class Fingerprint:
    """What decides a result.

    Parameters
    ----------
    parts : dict
        Part (see `WORDS`) → digest.
    key : str
        Digest of all parts and the step's name; empty where an input is not known yet.
    """

    parts: Mapping[str, str]
    key: str


def fingerprint(spec: StepSpec, document: Mapping[str, Any]) -> Fingerprint:
    """Return the fingerprint of a step.

    Parameters
    ----------
    document : dict
        Its source document (``argovx.source/1``).
    """
    inputs = {name: [ref.digest, ref.codec] for name, ref in spec.inputs.items()}
    parts = {
        **code_parts(document["cell"], (item["code"] for item in document["definitions"])),
        "inputs": digest(inputs),
        "outputs": digest(list(spec.outputs.items())),
        "packages": packages_part(spec.environment.image, spec.environment.requirements),
        "python": digest(spec.environment.python),
        "machine": machine_part(spec.machine),
        "account": digest([spec.kind, spec.run_as]),
    }
    known = all(ref.digest for ref in spec.inputs.values())
    key = hashlib.sha256(canonical([VERSION, spec.name, parts])).hexdigest()[:KEY_LENGTH]
    return Fingerprint(parts, key if known else "")


def machine_part(machine: Machine) -> str:
    """Return the part ``machine``: its class, not its size."""
    return digest([machine.accelerator, machine.accelerator_count, machine.replicas])


def code_parts(cell: str, definitions: Iterable[str]) -> dict[str, str]:
    """Return the parts ``code`` and ``definitions`` of a cell and the sources that travel with it."""
    found = {dump for code in definitions for dump in _statements(code)}
    return {"code": digest(_statements(cell)), "definitions": digest(sorted(found))}


def packages_part(image: str, requirements: Iterable[str]) -> str:
    """Return the part ``packages``."""
    return digest([image, list(requirements)])


def digest(value: Any) -> str:
    """Return the digest of JSON data, as parts have it."""
    return hashlib.sha256(canonical(value)).hexdigest()[:_PART_LENGTH]


def changed(old: Mapping[str, str], new: Mapping[str, str]) -> list[str]:
    """Return what differs between two fingerprints, in words; parts that either lacks do not count."""
    return [word for part, word in WORDS.items() if part in old and part in new and old[part] != new[part]]


@functools.lru_cache(maxsize=4096)
def _statements(code: str) -> tuple[str, ...]:
    """Return the statements of a source without places: what is left of it when formatting is taken away."""
    try:
        return tuple(ast.dump(node) for node in parse(code).body)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return (code.encode("utf-8", "backslashreplace").decode(),)  # it is no step then, but itself
