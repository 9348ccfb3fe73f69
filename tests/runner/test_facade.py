"""``argovx`` inside a cell: what is taken and what is refused."""

from __future__ import annotations

import numpy as np
import pytest

from argovx_lab.runner.facade import Context, Facade


@pytest.fixture
def sent():
    return []


@pytest.fixture
def facade(sent):
    texts = dict.fromkeys(("step", "notebook", "cell", "workflow", "workflow_uid", "task"), "")
    more = dict.fromkeys(("namespace", "user", "job", "python", "version"), "")
    context = Context(**texts, **more, attempt=0, restart=0, replica=0)
    return Facade(lambda method, params: sent.append((method, params)), "/checkpoints", context)


def test_numbers_of_numpy_become_numbers_of_json(facade, sent):
    facade.log_metrics({"a": np.float32(0.5), "b": np.int64(2), "c": 1}, step=np.int64(3))
    assert sent == [("metric", {"values": {"a": 0.5, "b": 2.0, "c": 1}, "step": 3})]
    assert type(sent[0][1]["step"]) is int


@pytest.mark.parametrize("value", [float("nan"), float("inf"), np.float64("-inf")])
def test_what_cannot_be_drawn_is_said_once(facade, sent, capsys, value):
    facade.log_metrics({"loss": value})
    facade.log_metrics({"loss": value})
    assert sent == []
    assert capsys.readouterr().err.count("is not drawn") == 1


@pytest.mark.parametrize("values", [[1], {"a": "1"}, {"a": None}, {"a": True}, {1: 2}, {"": 1}, {"a": [1]}])
def test_what_is_no_metric_is_refused(facade, sent, values):
    with pytest.raises(TypeError, match=r"argovx\.log_metrics"):
        facade.log_metrics(values)
    assert sent == []


@pytest.mark.parametrize("step", ["1", 1.5, True])
def test_a_step_is_a_whole_number(facade, step):
    with pytest.raises(TypeError, match="step is"):
        facade.log_metrics({"a": 1}, step=step)


def test_progress_is_thinned_out_but_its_ends_are_kept(facade, sent):
    for done in range(1001):
        facade.progress(done, 1000)
    assert sent[0][1] == {"done": 0, "total": 1000}
    assert sent[-1][1] == {"done": 1000, "total": 1000}
    assert len(sent) < 100


@pytest.mark.parametrize(("done", "total"), [(-1, 2), (3, 2)])
def test_progress_beyond_all_is_refused(facade, done, total):
    with pytest.raises(ValueError, match="not between 0 and all"):
        facade.progress(done, total)


def test_unknown_names_say_what_there_is(facade):
    with pytest.raises(AttributeError, match="it has log_metrics, progress, checkpoint_dir and context"):
        facade.log_metric
    assert not hasattr(facade, "token")


def test_the_notebook_has_the_same_names(facade):
    """A cell that runs as a step runs in the kernel too."""
    from pathlib import Path

    from argovx_lab.notebook.facade import Facade as Notebook

    here = Notebook()
    for name in ("log_metrics", "progress", "checkpoint_dir", "context"):
        assert type(getattr(here, name)) is type(getattr(facade, name))
    assert here.checkpoint_dir == here.checkpoint_dir
    assert list(Path(here.checkpoint_dir).iterdir()) == []
    Path(here.checkpoint_dir).rmdir()
