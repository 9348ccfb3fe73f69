"""What faults and quotas do inside the described services: refusals, stale lists, a full disk, dead tokens.

Owns the four moments of a call at which something may go wrong on purpose; knows no service by heart.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime, timedelta
from typing import Any, Protocol

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.faults import Faults
from argovx_lab.sandbox.google.quotas import Quotas
from argovx_lab.sandbox.google.store import Store

_LOCATION = re.compile(r"/locations/([^/]+)")


class Expires(Protocol):
    """Ends tokens."""

    def expire(self, bearer: str) -> None:
        """Make a token one that has expired."""


class Disorder:
    """Faults and quotas at work.

    Parameters
    ----------
    faults : Faults
        The table of the whole sandbox.
    quotas : Quotas
        Which are on.
    store, tokens, clock
        What the faults act on.
    """

    def __init__(self, faults: Faults, quotas: Quotas, store: Store, tokens: Expires, clock: Clock) -> None:
        self.faults = faults
        self.quotas = quotas
        self._store = store
        self._tokens = tokens
        self._clock = clock

    def before(self, rpc: str, bearer: str) -> None:
        """Before a call is authenticated."""
        if bearer and self.faults.within("token_expired", rpc):
            self._tokens.expire(bearer)

    def quota(self, rpc: str, name: str) -> None:
        """Before a call's work; RESOURCE_EXHAUSTED when a quota is used up.

        Parameters
        ----------
        name : str
            The resource; its location is what regional quotas count by.
        """
        found = _LOCATION.search(name)
        location = found[1] if found else ""
        if self.faults.within("quota", rpc):
            raise self.quotas.exceeded(rpc, location)
        self.quotas.take(rpc, location)

    @contextmanager
    def disk(self, rpc: str) -> Iterator[None]:
        """Around a call's work."""
        if self.faults.within("disk_full", rpc) is None:
            yield
            return
        self._store.full = True
        try:
            yield
        finally:
            self._store.full = False

    def after(self, rpc: str, answer: dict[str, Any]) -> dict[str, Any]:
        """After a call's work: a stale list leaves out what is young."""
        if not rpc.rpartition(".")[2].startswith("List"):
            return answer
        fault = self.faults.within("stale", rpc)
        if fault is None:
            return answer
        limit = self._clock.now() - timedelta(seconds=fault.seconds)
        return {
            name: [item for item in value if not _younger(item, limit)] if isinstance(value, list) else value
            for name, value in answer.items()
        }


def _younger(item: object, limit: datetime) -> bool:
    made = item.get("create_time") if isinstance(item, Mapping) else None
    return made is not None and datetime.fromisoformat(made) > limit
