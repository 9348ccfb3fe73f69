"""Which results are not of what stands in the notebook now."""

from argovx_lab.model.run import Input, Node, Output, Phase
from argovx_lab.runs.stale import stale


def step(name, *inputs, digest="1" * 64, phase=Phase.SUCCEEDED, code="c"):
    taken = tuple(Input(n, step=s, output=n, digest=d) for n, s, d in inputs)
    made = (Output(f"{name}_out", "json", digest=digest, state="ready"),)
    return Node(name, name, phase, inputs=taken, outputs=made, parts={"code": code, "python": "p"})


def test_what_stands_there_as_it_ran_is_not_stale():
    nodes = [step("a"), step("b", ("a_out", "a", "1" * 64))]
    assert stale(nodes, {"a": {"code": "c"}, "b": {"code": "c"}}) == {}
    assert stale(nodes, {}) == {}


def test_an_edited_cell_makes_its_result_stale_and_what_was_made_from_it():
    nodes = [step("a"), step("b", ("a_out", "a", "1" * 64)), step("c", ("b_out", "b", "1" * 64)), step("d")]
    found = stale(nodes, {"a": {"code": "other"}})
    assert found == {
        "a": ("the cell's code changed",),
        "b": ("it is made from a, which is stale",),
        "c": ("it is made from b, which is stale",),
    }


def test_a_newer_result_of_a_step_before_makes_stale():
    nodes = [step("a", digest="2" * 64), step("b", ("a_out", "a", "1" * 64))]
    assert stale(nodes, {}) == {"b": ("a has made another a_out since",)}


def test_a_value_of_the_notebook_that_changed_makes_stale():
    nodes = [step("a", ("x", "", "1" * 64))]
    assert stale(nodes, {}, lambda node: ["x"]) == {"a": ("x has another value now",)}


def test_what_has_no_result_is_not_stale():
    for phase in (Phase.FAILED, Phase.RUNNING, Phase.PLANNED, Phase.STOPPED):
        assert stale([step("a", phase=phase)], {"a": {"code": "other"}}) == {}
    assert stale([step("a", phase=Phase.CACHED)], {"a": {"code": "other"}})


def test_a_circle_ends():
    nodes = [step("a", ("b_out", "b", "1" * 64)), step("b", ("a_out", "a", "1" * 64))]
    assert set(stale(nodes, {"a": {"code": "other"}})) == {"a", "b"}
