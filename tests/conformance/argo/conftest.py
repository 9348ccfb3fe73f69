"""Makes the helpers of this folder importable and plays all recordings once, side by side."""

from __future__ import annotations

import asyncio
import importlib.util
import sys
from pathlib import Path

import pytest

_HERE = Path(__file__).parent


def _load(name: str, file: str):
    spec = importlib.util.spec_from_file_location(name, _HERE / file)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


replay = _load("argo_replay", "replay.py")
harness = _load("argo_harness", "harness.py")

#: How many recordings run at once: as many as keep two cores busy without starving a pod.
_SIDE_BY_SIDE = 12
#: Recordings that take long although nothing happens.
_SCALES = {"pod-deleted": 0.03}


@pytest.fixture(scope="session")
def replays(tmp_path_factory):
    """Return every recording played on a fresh sandbox: name → :class:`Replay`, or the error it ended with."""
    return asyncio.run(_play_all(tmp_path_factory.mktemp("replays")))


async def _play_all(folder: Path):
    results = {}
    gate = asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one(client, name: str) -> None:
        async with gate:
            found = replay.Replay(client, name, scale=_SCALES.get(name, 0.35))
            try:
                results[name] = await found.run()
            except (TimeoutError, AssertionError) as error:
                results[name] = (error, found.final)

    async with harness.sandbox(folder) as sandbox:
        work = asyncio.gather(*(one(sandbox.client, name) for name in replay.names()))
        await sandbox.until(work)
    return results
