"""Faults on purpose: a call can be delayed, refused, or answered with silence after it took effect.

Owns the rules and when they fire; the gateway asks at two points of every call. Nothing fires unless a
rule was added.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from fnmatch import fnmatch
from typing import Literal

from argovx_lab.sandbox.google.errors import GoogleError

Point = Literal["before", "after"]


@dataclass
class Rule:
    """One fault.

    Parameters
    ----------
    method : str
        Pattern of the full method name, such as ``*.JobService.CreateCustomJob``.
    point : str
        ``before`` the handler runs, or ``after`` it took effect (the answer is lost).
    error : GoogleError, optional
        What is answered; ``None`` only delays.
    delay_s : float
        Wait first. Unit: seconds.
    count : int
        How often it fires; -1 means always.
    """

    method: str
    point: Point = "before"
    error: GoogleError | None = None
    delay_s: float = 0.0
    count: int = 1


class Faults:
    """The rules of one server."""

    def __init__(self) -> None:
        self.rules: list[Rule] = []

    def add(self, rule: Rule) -> None:
        """Arm a rule."""
        self.rules.append(rule)

    async def visit(self, method: str, point: Point) -> None:
        """Let the first armed rule of ``method`` fire."""
        for rule in self.rules:
            if rule.count and rule.point == point and fnmatch(method, rule.method):
                rule.count -= rule.count > 0
                if rule.delay_s:
                    await asyncio.sleep(rule.delay_s)
                if rule.error is not None:
                    raise rule.error
                return
