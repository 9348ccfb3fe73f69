"""Many launchers' loops at once against a sandbox that has Vertex's quotas on: creates and refusals.

Real time, real requests: turns, create and follow of the launcher, in threads. The sandbox refuses with 429
what a new project's quotas would refuse (60 submissions and 600 calls a minute); refused calls are counted.
Target: no call is refused. Five hundred launchers are simulated by ``tests/launcher/test_many.py``.
"""

import json
import os
import tempfile
import threading
import time
from io import StringIO
from pathlib import Path
from types import SimpleNamespace

from benchmarks.launcher import Bench
from benchmarks.report import row

LAUNCHERS = 80


def run():
    """Start them all in the same second."""
    from argovx_lab.wiring.local import stop_sandbox

    state = Path(os.environ["ARGOVX_SANDBOX"])
    stop_sandbox(state)
    settings = state / "settings.toml"
    before = settings.read_text() if settings.exists() else None
    settings.write_text("quotas = true\n" + (before or ""))
    try:
        with tempfile.TemporaryDirectory(prefix="argovx-many-") as folder:
            _measure(Bench(Path(folder), components=False))
    finally:
        stop_sandbox(state)
        settings.write_text(before or "")


def _measure(bench):
    with bench.stage() as stage:
        loops = [_Loop(stage, number) for number in range(LAUNCHERS)]
        start = time.monotonic()
        for loop in loops:
            loop.start()
        for loop in loops:
            loop.join()
    lines = [line for loop in loops for line in loop.lines()]
    created = sorted(loop.created - start for loop in loops if loop.created)
    refused = sum("429" in str(line["params"]) for line in lines)
    row(
        f"{len(created)} of {LAUNCHERS} launchers made their job: most in 60 s", _most(created), "", target=60
    )
    row("  refused by a quota", refused, "calls", target=0)
    row("  the last was made after", max(created), "s")


class _Loop(threading.Thread):
    """The middle of one launcher: from its claim to the end of its job."""

    def __init__(self, stage, number):
        super().__init__()
        self._stage, self._number = stage, number
        self._said = StringIO()
        self.created = 0.0

    def run(self):
        from argovx_lab.launcher.claim import Claim
        from argovx_lab.launcher.context import Interrupt, connect
        from argovx_lab.launcher.events import Events
        from argovx_lab.launcher.follow import Follower
        from argovx_lab.launcher.launch import Launch
        from argovx_lab.launcher.settings import from_environment
        from argovx_lab.model import names

        settings = from_environment(self._stage.launcher.environment)
        context = connect(settings, Events(self._said), Interrupt())
        task = f"wf-1.t{self._number}"
        key = names.attempt_key(self._stage.uid, task, 0, "t")
        attempt = settings.layout.attempt(self._stage.uid, task, 0, key)
        intent = {"workflow_uid": self._stage.uid, "task": task, "user": settings.user, "attempt_key": key}
        claim = Claim(intent, attempt, attempt.intent, "d" * 64, True)
        job = Launch(context, claim, self._stage.step).obtain(lambda _: None)
        self.created = time.monotonic()
        Follower(context, claim, job, SimpleNamespace(progress=lambda *_: None)).run()

    def lines(self):
        return [json.loads(line) for line in self._said.getvalue().splitlines()]


def _most(moments):
    return max((sum(0 <= later - first < 60 for later in moments) for first in moments), default=0)
