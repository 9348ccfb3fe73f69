"""Durability, revisions, snapshots and the bounds of the histories."""

from __future__ import annotations

import os
import signal
import sqlite3
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from argovx_lab.sandbox.kubernetes.interface import ApiError
from argovx_lab.sandbox.kubernetes.kinds import BY_ID
from argovx_lab.sandbox.kubernetes.store import Store

CONFIG = BY_ID["configmaps"]

WRITER = """
import sys
from pathlib import Path
from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes.kinds import BY_ID
from argovx_lab.sandbox.kubernetes.registry import Registry
from argovx_lab.sandbox.kubernetes.store import Store

store = Store(Path(sys.argv[1]))
registry = Registry(store, Clock())
registry.create(BY_ID["namespaces"], "", {"metadata": {"name": "ns"}})
number = 0
while True:
    number += 1
    made = registry.create(BY_ID["configmaps"], "ns", {"metadata": {"name": f"c{number}"}})
    if number % 3 == 0:
        registry.deletion.delete(
            BY_ID["configmaps"], registry.get(BY_ID["configmaps"], "ns", f"c{number}"), Options()
        )
    sys.stdout.write(f"{number} {made['metadata']['resourceVersion']} {store.revision}\\n")
    sys.stdout.flush()
""".replace(
    "Options()", "__import__('argovx_lab.sandbox.kubernetes.deletion', fromlist=['x']).DeleteOptions()"
)


def config(registry, name: str, **data: str) -> dict:
    return registry.create(CONFIG, "ns", {"metadata": {"name": name}, "data": data})


def test_every_answered_write_survives_kill_9(tmp_path: Path):
    path = tmp_path / "k.sqlite"
    writer = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True, cwd=Path.cwd()
    )
    assert writer.stdout is not None
    last = ""
    for line in writer.stdout:
        last = line
        if line.startswith("200 "):
            break
    os.kill(writer.pid, signal.SIGKILL)
    for line in writer.stdout:
        last = line if line.endswith("\n") else last
    writer.wait(10)
    writer.stdout.close()
    number, _, revision = (int(part) for part in last.split())
    store = Store(path)
    present = {record.name for record in store.select(CONFIG)}
    expected = {f"c{index}" for index in range(1, number + 1) if index % 3}
    assert present - {f"c{number + 1}"} == expected
    assert store.revision >= revision
    assert all(record.revision <= store.revision for record in store.all())
    store.close()


def test_revisions_go_on_after_a_restart(registry, store, tmp_path):
    config(registry, "a")
    registry.delete(CONFIG, "ns", "a", _options())
    before = store.revision
    store.close()
    again = Store(tmp_path / "k.sqlite")
    assert again.revision == before
    with pytest.raises(ApiError) as caught:
        again.history(CONFIG).cursor(before - 1, lambda _: True)
    assert caught.value.code == 410
    again.history(CONFIG).cursor(before, lambda _: True).close()
    again.close()


def _options():
    from argovx_lab.sandbox.kubernetes.delete_options import DeleteOptions

    return DeleteOptions()


def test_the_file_is_for_its_owner_only(store, tmp_path):
    mode = stat.S_IMODE((tmp_path / "k.sqlite").stat().st_mode)
    assert mode == 0o600
    del store


def test_a_disk_that_refuses_changes_nothing(registry, store, monkeypatch):
    config(registry, "a")
    before = store.revision

    class Full:
        in_transaction = False

        def execute(self, *_):
            raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(store, "_db", Full())
    with pytest.raises(ApiError, match="database or disk is full") as caught:
        config(registry, "b")
    assert (caught.value.code, caught.value.reason) == (500, "InternalError")
    assert store.revision == before
    assert [record.name for record in store.select(CONFIG, "ns")] == ["a"]
    monkeypatch.undo()


def test_a_snapshot_is_what_was_there(registry, store):
    config(registry, "a", k="1")
    config(registry, "b")
    moment = store.revision
    registry.update(CONFIG, "ns", "a", lambda old: {**old, "data": {"k": "2"}})
    registry.delete(CONFIG, "ns", "b", _options())
    config(registry, "c")
    then = store.snapshot(CONFIG, moment, "ns")
    assert [record.name for record in then] == ["a", "b"]
    assert then[0].object()["data"] == {"k": "1"}
    assert [record.name for record in store.select(CONFIG, "ns")] == ["a", "c"]


def test_a_history_forgets_beyond_its_bounds(registry, store):
    start = store.revision
    for index in range(60):
        config(registry, f"c{index}")
    history = store.history(CONFIG)
    assert len(history.since(history.floor)) == 50
    with pytest.raises(ApiError, match="too old resource version"):
        history.since(start)
    assert len(history.since(store.revision - 2)) == 2


def test_a_history_is_bounded_in_bytes(tmp_path):
    from argovx_lab.sandbox.clock import Clock
    from argovx_lab.sandbox.kubernetes.registry import Registry

    store = Store(tmp_path / "small.sqlite", bytes_max=10_000)
    registry = Registry(store, Clock())
    registry.create(BY_ID["namespaces"], "", {"metadata": {"name": "ns"}})
    for index in range(10):
        config(registry, f"c{index}", k="x" * 3000)
    history = store.history(CONFIG)
    assert 1 <= len(history.since(history.floor)) <= 3
    store.close()
