"""Workflows of our own that a real Argo 4.1.2 controller ran: they end here as they ended there.

A sample runs with all tests, the others with the long ones.
"""

from __future__ import annotations

import asyncio

import argo_harness
import argo_replay as replay
import pytest

#: One or two of each area, none of which waits.
SAMPLE = (
    "o-depends-mix", "o-expression-bad-01", "o-globals", "o-hooks-exit-expression", "o-inline",
    "o-loop-fail-continue", "o-loop-maps", "o-outputs-expression", "o-ref-name-tag", "o-retry-exit-code",
    "o-valid-unused-broken", "o-when-bad-words", "o-wtref-override",
)  # fmt: skip
REST = [name for name in replay.names(replay.OWN) if name not in SAMPLE]
_SIDE_BY_SIDE = 12


async def _play(folder, names):
    found, gate = {}, asyncio.Semaphore(_SIDE_BY_SIDE)

    async def one(client, name):
        async with gate:
            run = replay.Replay(client, name, scale=0.5, limit_s=180)
            try:
                found[name] = await run.run()
            except (TimeoutError, AssertionError) as error:
                found[name] = (error, run.final)

    async with argo_harness.sandbox(folder) as sandbox:
        await sandbox.until(asyncio.gather(*(one(sandbox.client, name) for name in names)))
    return found


@pytest.fixture(scope="module")
def sample(tmp_path_factory):
    return asyncio.run(_play(tmp_path_factory.mktemp("sample"), SAMPLE))


@pytest.fixture(scope="module")
def rest(tmp_path_factory):
    return asyncio.run(_play(tmp_path_factory.mktemp("rest"), REST))


def _check(found, name):
    if isinstance(found, tuple):
        pytest.fail(f"{name} did not end: {found[0]!r}; last seen {found[1].get('status')}")
    replay.check(found, name)


@pytest.mark.parametrize("name", SAMPLE)
def test_sample_replays_field_by_field(sample, name):
    _check(sample[name], name)


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", REST)
def test_replays_field_by_field(rest, name):
    _check(rest[name], name)
