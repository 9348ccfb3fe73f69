"""The document store: durable, transactional, ordered."""

from __future__ import annotations

import multiprocessing
import os
import signal
import stat

import pytest

from argovx_lab.sandbox.google.store import Store


@pytest.fixture
def path(tmp_path):
    return tmp_path / "google.sqlite"


@pytest.fixture
def store(path):
    made = Store(path)
    yield made
    made.close()


def test_documents_survive_a_reopen(path):
    first = Store(path)
    first.put("t", "b", {"n": 2})
    first.put("t", "a", {"n": 1, "text": "ü"})
    first.put("t", "gone", {})
    assert first.delete("t", "gone")
    assert not first.delete("t", "gone")
    assert first.next_id("ids", 7) == 7
    first.close()
    second = Store(path)
    assert list(second.scan("t")) == [("a", {"n": 1, "text": "ü"}), ("b", {"n": 2})]
    assert second.next_id("ids", 7) == 8
    second.close()


def test_the_file_is_private(store, path):
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_scan_by_prefix_and_after(store):
    for key in ("a/1", "a/2", "a/3", "b/1"):
        store.put("t", key, {"key": key})
    assert [key for key, _ in store.scan("t", "a/")] == ["a/1", "a/2", "a/3"]
    assert [key for key, _ in store.scan("t", "a/", after="a/1")] == ["a/2", "a/3"]
    assert [key for key, _ in store.scan("t", "c/")] == []
    assert store.count("t") == 4


def test_a_failed_transaction_leaves_nothing(store, path):
    store.put("t", "kept", {"n": 1})

    def work():
        with store.transaction():
            store.put("t", "kept", {"n": 2})
            store.put("t", "new", {})
            with store.transaction():
                store.delete("t", "kept")
            raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        work()
    assert list(store.scan("t")) == [("kept", {"n": 1})]
    store.close()
    again = Store(path)
    assert list(again.scan("t")) == [("kept", {"n": 1})]
    again.close()


def test_a_value_that_is_not_json_changes_nothing(store):
    with pytest.raises(TypeError):
        store.put("t", "k", {"x": object()})
    assert store.get("t", "k") is None
    store.put("t", "k", {"x": 1})
    assert store.get("t", "k") == {"x": 1}


def _write_and_die(path, ready):
    store = Store(path)
    for n in range(50):
        store.put("t", f"{n:03d}", {"n": n})
    ready.send(50)
    with store.transaction():
        store.put("t", "half", {})
        os.kill(os.getpid(), signal.SIGKILL)


def test_what_was_answered_survives_kill_9(path):
    context = multiprocessing.get_context("spawn")
    here, there = context.Pipe()
    child = context.Process(target=_write_and_die, args=(path, there))
    child.start()
    assert here.poll(30)
    assert here.recv() == 50
    child.join(30)
    assert child.exitcode == -signal.SIGKILL
    store = Store(path)
    assert store.count("t") == 50
    assert store.get("t", "half") is None
    store.close()
