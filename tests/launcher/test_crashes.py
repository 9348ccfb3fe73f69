"""The crash matrix: whatever is hit, one job, verified outputs, consistent records, no orphan."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from argovx_lab.launcher import launch
from argovx_lab.launcher.faults import ACTIONS

kit = sys.modules["argovx_test_matrix"]

PAGE = Path(__file__).parent.parent.parent / "docs" / "launcher.md"

#: Every so many-th step of a story is hit in the sample. Reason: the whole takes minutes.
EVERY = 9


def _page():
    """Return the matrix as the page has it."""
    return PAGE.read_text("utf-8").partition(kit.BEGIN)[2].partition(kit.END)[0].strip()


@pytest.mark.parametrize("story", kit.STORIES)
def test_a_sample_of_the_matrix(matrix, story):
    steps = matrix.record(story)
    assert len(steps) > 20
    cells = matrix.cells(story, range(1, len(steps) + 1, EVERY))
    assert len(cells) >= 3 * len(ACTIONS)
    assert not [cell for cell in cells if cell.problem]


def test_the_page_is_of_the_run_that_is_recorded_now(matrix):
    """Stale means: python tests/launcher/matrix.py docs/launcher.md"""
    now = [kit.table(story, matrix.record(story), ()) for story in kit.STORIES]
    assert kit.rows(_page()) == kit.rows("\n".join(now))


def test_the_create_call_is_hit_and_its_answer_lost(matrix):
    """The one request that must not be repeated: every fault of it, in every story."""
    for story in kit.STORIES:
        number = matrix.record(story).index("**create the custom job**") + 1
        assert not [cell for cell in matrix.cells(story, [number]) if cell.problem]


@pytest.mark.long
@pytest.mark.timeout(900)
@pytest.mark.parametrize("story", kit.STORIES)
def test_the_whole_matrix_is_what_the_page_says(matrix, story):
    steps = matrix.record(story)
    cells = matrix.cells(story, range(1, len(steps) + 1))
    assert len(cells) >= 150
    assert not [cell for cell in cells if cell.problem]
    assert kit.table(story, steps, cells) in _page()


def test_the_matrix_sees_a_broken_adoption(matrix, monkeypatch):
    """A test of the test: without the lookup, faults around the create call make a second job."""
    number = matrix.record("happy").index("**create the custom job**") + 1
    monkeypatch.setattr(launch, "_look_up", lambda *_: None)
    monkeypatch.setattr(launch, "_cancel_others", lambda *_: None)
    broken = [cell for cell in matrix.cells("happy", [number, number + 1]) if cell.problem]
    assert {cell.action for cell in broken} >= {"kill-after", "lost"}
    assert "2 jobs" in broken[0].problem


def test_the_matrix_sees_a_sweep_that_does_nothing(matrix, monkeypatch):
    monkeypatch.setattr(matrix.launcher, "sweep", lambda: type("Swept", (), {"code": 0}))
    number = matrix.record("stop").index("cancel the custom job") + 1
    problems = [cell.problem for cell in matrix.cells("stop", [number])]
    assert any("orphans after the sweep" in problem for problem in problems)
