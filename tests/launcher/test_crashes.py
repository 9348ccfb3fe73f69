"""The crash matrix: a fault at every numbered request and write of a happy run, then Argo's restart.

The numbers come from a recorded run, not from a list. Whatever is hit: one job, verified outputs, consistent records.
"""

from __future__ import annotations

from dataclasses import replace

import pytest

from argovx_lab.launcher import launch
from argovx_lab.launcher.arguments import parse
from argovx_lab.launcher.context import connect
from argovx_lab.launcher.faults import ACTIONS, Faults
from argovx_lab.launcher.step import Step

#: Retries that Argo would make; the template's default is 2.
LIVES = 4

FAULTS = [action for action in ACTIONS if action != "hang"]


class Killed(BaseException):
    """Stands for SIGKILL: nothing of the launcher's own runs after it."""


@pytest.fixture
def killable(monkeypatch):
    """Let planned kills end this life only, not the test's process."""

    def kill(self=None):
        raise Killed

    monkeypatch.setattr(Faults, "_kill", staticmethod(kill))


def live(launcher, step, plan=""):
    """Live one life of the launcher; returns its exit code as Argo sees it, and how many steps it counted."""
    context = launcher.context()
    context = connect(replace(context.settings, faults=plan), context.events, context.interrupt)
    try:
        return Step(context, parse(launcher.arguments(step))).run().code, context.faults.count
    except Killed:
        return 137, context.faults.count


def steps_of(launcher, step):
    """Return how many requests and writes a happy run has."""
    code, count = live(launcher, step)
    assert code == 0
    return count


def clean(world, lib):
    """Forget the rehearsal."""
    for name in [name for name in world.objects if "/runs/" in name]:
        del world.objects[name]
    for kept in (world.jobs, world.nodes):
        kept.clear()


def carry_on(launcher, step, plan, *, evicted):
    """Hit the launcher once, then restart it as Argo would until it ends; returns the last exit code."""
    code, _ = live(launcher, step, plan)
    for ordinal in range(1, LIVES):
        if code not in (30, 137):
            break
        if not evicted:
            launcher.at(ordinal)
        code, _ = live(launcher, step)
    return code


def check(launcher, world, cell):
    """The invariants of one cell of the matrix."""
    assert len(world.jobs) == 1, (cell, [job["state"] for job in world.jobs.values()])
    (job,) = world.jobs.values()
    manifests = [name for name in world.objects if name.endswith("manifest.json")]
    intents = [world.document(name) for name in world.objects if name.endswith("intent.json")]
    assert len(manifests) == 1, cell
    assert {item["attempt_key"] for item in intents} == {job["labels"]["argovx-key"]}, cell
    assert launcher.output("vertex-job") == job["name"], cell
    assert launcher.output("manifest"), cell
    exits = [world.document(name)["code"] for name in world.objects if name.endswith("exit.json")]
    assert set(exits) <= {0}, (cell, exits)


def run_matrix(launcher, step, world, lib, numbers, *, evicted):
    for number in numbers:
        for action in FAULTS:
            cell = (action, number, "restart" if evicted else "retry")
            launcher.at(0)
            clean(world, lib)
            for path in launcher.outputs.iterdir():
                path.unlink()
            assert carry_on(launcher, step, f"{action}@{number}", evicted=evicted) == 0, (
                cell,
                launcher.stderr.getvalue()[-3000:],
            )
            check(launcher, world, cell)


@pytest.mark.parametrize("evicted", [False, True])
def test_a_sample_of_the_matrix(launcher, step, world, lib, killable, evicted):
    count = steps_of(launcher, step)
    assert count > 20
    run_matrix(launcher, step, world, lib, range(1, count + 1, 5), evicted=evicted)


@pytest.mark.long
@pytest.mark.parametrize("evicted", [False, True])
def test_the_whole_matrix(launcher, step, world, lib, killable, evicted):
    count = steps_of(launcher, step)
    assert 2 * count * len(FAULTS) >= 150
    run_matrix(launcher, step, world, lib, range(1, count + 1), evicted=evicted)


def test_the_matrix_sees_a_broken_adoption(launcher, step, world, lib, killable, monkeypatch):
    """A test of the test: without the lookup, the same faults make a second job."""
    count = steps_of(launcher, step)
    monkeypatch.setattr(launch, "_look_up", lambda *_: None)
    monkeypatch.setattr(launch, "_cancel_others", lambda *_: None)
    with pytest.raises(AssertionError):
        run_matrix(launcher, step, world, lib, range(1, count + 1), evicted=False)
