"""Revisions and the ring that views catch up from."""

from dataclasses import replace

from argovx_lab.model.run import Node, Phase, Run
from argovx_lab.runs.store import RING_MAX, Place, RunStore


def run(*nodes, **fields):
    return Run(id="r", name="r", phase=Phase.RUNNING, nodes=tuple(nodes), **fields)


def step(name, phase=Phase.RUNNING):
    return Node(id=name, name=name, phase=phase)


def test_the_revision_grows_only_when_something_changed():
    store = RunStore()
    assert store.put(run(step("a"))).revision == 1
    assert store.put(run(step("a"))).revision == 1
    assert store.put(run(step("a", Phase.SUCCEEDED))).revision == 2


def test_a_reader_gets_only_what_changed():
    store = RunStore()
    store.put(run(step("a"), step("b")))
    _, place = store.since(Place("", 0))
    store.put(run(step("a", Phase.SUCCEEDED), step("b")))
    messages, _ = store.since(place)
    (message,) = messages
    assert [node["id"] for node in message["nodes"]] == ["a"]
    assert message["remove"] == []
    assert message["upsert"]["nodes"] == []


def test_a_removed_node_is_said():
    store = RunStore()
    store.put(run(step("a"), step("b")))
    _, place = store.since(Place("", 0))
    store.put(run(step("b")))
    assert store.since(place)[0][0]["remove"] == ["a"]


def test_another_epoch_gets_whole_runs():
    store = RunStore()
    store.put(run(step("a")))
    messages, place = store.since(Place("other", 7))
    assert [node["id"] for node in messages[0]["nodes"]] == ["a"]
    assert place.epoch == store.epoch


def test_a_gap_that_is_too_old_gets_whole_runs():
    store = RunStore()
    store.put(run(step("a")))
    _, place = store.since(Place("", 0))
    for number in range(RING_MAX + 5):
        store.put(replace(run(step("a")), created_at=str(number)))
    messages, _ = store.since(place)
    assert len(messages) == 1
    assert messages[0]["nodes"]


def test_a_place_from_the_future_is_not_trusted():
    store = RunStore()
    store.put(run(step("a")))
    messages, _ = store.since(Place(store.epoch, 99))
    assert messages[0]["nodes"]


def test_places_are_read_and_written():
    assert str(Place.parse("ab12.7")) == "ab12.7"
    for text in ("", "x", "x.", ".7", "x.-1"):
        assert Place.parse(text).seq == 0


def test_a_run_whose_workflows_are_gone_is_removed():
    store = RunStore()
    store.put(run(step("a")))
    store.remove("r")
    assert store.get("r") is None
    assert store.since(Place("", 0))[0] == []


def test_listeners_are_called_and_can_leave():
    store, calls = RunStore(), []
    leave = store.listen(lambda: calls.append(1))
    store.put(run(step("a")))
    leave()
    store.put(run(step("b")))
    assert calls == [1]


def test_a_place_in_digits_of_another_script_has_seen_nothing():
    assert Place.parse("epoch.²") == Place("", 0)
    assert Place.parse("epoch." + "9" * 5000) == Place("", 0)
