"""A job's curves out of TensorBoard: which runs are its own, what is read again, where a reader goes on."""

import pytest

from argovx_lab.runs.curves import page
from argovx_lab.runs.jobs.board import Board, grown

BOARD = "projects/7/locations/us-central1/tensorboards/5"
JOB = {"name": "projects/7/locations/us-central1/customJobs/42", "jobSpec": {"tensorboard": BOARD}}


class Boards:
    """TensorBoard in memory: run → series → values."""

    def __init__(self, **runs):
        self.of = runs
        self.read = []

    def runs(self, experiment):
        assert experiment == f"{BOARD}/experiments/42"
        return [{"name": f"{experiment}/runs/{name}", "displayName": name} for name in self.of]

    def series(self, run):
        return [
            {
                "name": f"{run}/timeSeries/{name}",
                "displayName": name,
                "valueType": "SCALAR" if name != "image" else "BLOB_SEQUENCE",
                "metadata": {"maxStep": str(len(values) - 1)},
            }
            for name, values in self.of[run.rpartition("/")[2]].items()
        ]

    def points(self, series):
        self.read.append(series.rpartition("/")[2])
        run, _, name = series.partition("/runs/")[2].split("/")
        return [
            {"step": str(n), "wallTime": f"t{n}", "scalar": {"value": value}}
            for n, value in enumerate(self.of[run][name])
        ]


def test_one_run_has_bare_names_and_several_have_theirs():
    board = Board()
    board.read(Boards(train={"loss": [1.0, 0.5], "image": []}), JOB, "42")
    assert board.metrics == {"loss": 0.5}
    board = Board()
    board.read(Boards(train={"loss": [1.0]}, test={"loss": [2.0]}), JOB, "42")
    assert board.metrics == {"train/loss": 1.0, "test/loss": 2.0}


def test_only_what_has_grown_is_read_again():
    boards, board = Boards(train={"loss": [1.0], "accuracy": [0.1]}), Board()
    board.read(boards, JOB, "42")
    first = page(board.curves, "j", "0")
    boards.of["train"]["loss"].append(0.5)
    board.read(boards, JOB, "42")
    assert boards.read == ["loss", "accuracy", "loss"]
    more = page(board.curves, "j", first.next)
    assert (more.whole, more.series) == (False, {"loss": ((1, 0.5, "t1"),), "accuracy": ()})
    assert page(board.curves, "j", more.next).series == {"loss": (), "accuracy": ()}


@pytest.mark.parametrize("found", [{}, {"loss": ((0, 2.0, ""),)}, {"other": ((0, 1.0, ""),)}])
def test_curves_that_changed_begin_anew(found):
    before = grown(Board().curves, {"loss": ((0, 1.0, ""), (1, 0.5, ""))})
    first = page(before, "j", "0")
    after = page(grown(before, found), "j", first.next)
    assert after.whole
    assert after.series == found


def test_what_is_no_number_is_left_out():
    class Odd(Boards):
        def points(self, series):
            return [
                {"scalar": {"value": "NaN"}},
                {"step": "x", "scalar": {"value": 2}},
                7,
                {"step": "3", "scalar": 1},
            ]

    board = Board()
    board.read(Odd(train={"loss": [1.0]}), JOB, "42")
    assert [point[:2] for point in board.curves.series["loss"]] == [(None, 2.0), (3, 0.0)]
