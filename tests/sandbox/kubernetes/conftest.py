"""A store, its registry and its in-process client; a clock that tests move."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes.client import StoreClient
from argovx_lab.sandbox.kubernetes.kinds import BY_ID
from argovx_lab.sandbox.kubernetes.registry import Registry
from argovx_lab.sandbox.kubernetes.store import Store
from argovx_lab.sandbox.kubernetes.tokens import Issuer


class MovedClock(Clock):
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        super().__init__()
        self.moment = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)

    def now(self) -> datetime:
        return self.moment

    def move(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@pytest.fixture
def clock() -> MovedClock:
    return MovedClock()


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    made = Store(tmp_path / "k.sqlite", changes_max=50)
    yield made
    made.close()


@pytest.fixture
def registry(store: Store, clock: MovedClock) -> Registry:
    made = Registry(store, clock)
    made.create(BY_ID["namespaces"], "", {"metadata": {"name": "ns"}})
    return made


@pytest.fixture
def issuer(store: Store, clock: MovedClock) -> Issuer:
    return Issuer(store, clock, url="https://127.0.0.1:1")


@pytest.fixture
def client(registry: Registry, issuer: Issuer) -> StoreClient:
    return StoreClient(registry, issuer=issuer)
