"""Entries are searched beside everything else that is asked."""

from __future__ import annotations

import asyncio
import threading
from types import SimpleNamespace

from argovx_lab.sandbox.google.logs.service import Logging
from argovx_lab.sandbox.google.names import Project

PROJECT = Project("argovx-sandbox", "1", "us-central1")


def entry(number):
    return {
        "insert_id": f"i{number}",
        "timestamp": f"2026-01-01T00:00:0{number}Z",
        "severity": "INFO",
        "resource": {"type": "ml_job", "labels": {}},
    }


def logging_over(read, written=()):
    jobs = SimpleNamespace(gather=lambda expression: read)
    audit = SimpleNamespace(wanted=lambda expression: False)
    return Logging(jobs, audit, SimpleNamespace(entries=lambda: iter(written)), PROJECT)


def test_a_long_log_holds_nobody_up():
    served = threading.Event()

    def read():
        assert served.wait(30), "nothing else was served while the log was read"
        return iter([entry(1)])

    async def both():
        asked = {"resource_names": ["projects/argovx-sandbox"]}
        listing = asyncio.create_task(logging_over(read).list(None, asked))
        await asyncio.sleep(0)
        served.set()
        return await listing

    assert [e["insert_id"] for e in asyncio.run(both())["entries"]] == ["i1"]


def test_all_sources_are_in_one_order():
    asked = {"resource_names": ["projects/argovx-sandbox"], "order_by": "timestamp desc"}
    logs = logging_over(lambda: iter([entry(1), entry(3)]), [entry(2)])
    found = asyncio.run(logs.list(None, asked))
    assert [e["insert_id"] for e in found["entries"]] == ["i3", "i2", "i1"]
