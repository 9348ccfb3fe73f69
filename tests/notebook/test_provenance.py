"""Where a result comes from, and what its step gave before."""

from argovx_lab.notebook.handles import Handle
from argovx_lab.notebook.remote import Resolved
from argovx_lab.runs.argo import Execution


def execution(step, number, phase="Succeeded", *inputs):
    taken = [
        {"name": n, "step": s, "output": n, "digest": "d" * 64, "codec": "json", "size_bytes": 1}
        for n, s in inputs
    ]
    return Execution(
        workflow=f"{step}-{number}",
        uid=f"u{step}{number}",
        namespace="ns",
        user="ada",
        run="r1",
        notebook="",
        created_at=f"2026-11-24T0{number}:00:00Z",
        task=step,
        about={"name": step, "inputs": taken},
        phase=phase,
    )


class Ends:
    """Knows the executions of one run."""

    def __init__(self, *known):
        self.known = known

    def executions(self, workflow):
        return list(self.known)


KNOWN = (
    execution("a", 1, "Succeeded", ("seed", "")),
    execution("b", 2, "Failed", ("x", "a")),
    execution("b", 3, "Succeeded", ("x", "a")),
)


def test_lineage_goes_back_to_the_notebooks_own_values():
    lines = repr(Handle(Ends(*KNOWN), "b", "y", "b-3", "b").lineage()).splitlines()
    assert lines[0].startswith("y: step b · Succeeded")
    assert lines[1].startswith("  x: output x of step a")
    assert lines[2].startswith("    seed: from the notebook")
    assert "its Workflow gone is gone" in repr(Handle(Ends(), "b", "y", "gone", "b").lineage())


def test_deep_diamonds_are_told_once():
    known = [execution("s0", 1, "Succeeded", ("seed", ""))]
    for depth in range(1, 60):
        above = f"s{depth - 1}"
        known.append(execution(f"s{depth}", 1, "Succeeded", ("left", above), ("right", above)))
    lines = repr(Handle(Ends(*known), "s59", "y", "s59-1", "s59").lineage()).splitlines()
    assert len(lines) == 1 + 2 * 59 + 1
    assert sum("made as told above" in line for line in lines) == 59
    assert "seed: from the notebook" in lines[60]
    assert lines[61].strip().startswith("right: output right of step s0")


def test_history_has_every_execution_newest_first():
    lines = repr(Handle(Ends(*KNOWN), "b", "y", "b-3", "b").history()).splitlines()
    assert [line.rpartition(" ")[2] for line in lines] == ["b-3", "b-2"]
    assert "Failed" in lines[1]


def test_what_was_made_here_says_so_and_asks_nobody():
    known = Resolved("json", "list", 1, "d" * 64, "gs://bucket/x", "")
    made = Handle(Ends(), "a", "x", "here-1", "a", known)
    assert "ran on this machine" in repr(made.lineage())
    assert "ran on this machine" in repr(made.history())
