"""A scripted server extension for developing the front end; never shipped.

Speaks the server API of ARCHITECTURE.md with runs that are a function of time. ``POST mock`` sets the
clock (``{"at": seconds}``), so that a screenshot can be taken of any moment. Refuses to be a test
double for the real server: the journeys use that.
"""

from __future__ import annotations

import asyncio
import json
import re
import time
from typing import Any

from argovx_mock_script import (
    EPOCH_START,
    SCRIPT,
    events_of,
    lineage_of,
    logs_of,
    metrics_of,
    plan_of,
    spec_of,
)
from jupyter_server.base.handlers import APIHandler, JupyterHandler
from jupyter_server.base.websocket import WebSocketMixin
from jupyter_server.utils import url_path_join
from tornado import web, websocket

from argovx_lab.model.run import Node, Run, to_json

PRINCIPAL = {
    "user": "ada",
    "account": "system:serviceaccount:argovx:nb-ada",
    "google": "principal://iam.googleapis.com/projects/482913/locations/global/workloadIdentityPools/argovx/subject/nb-ada",
    "run_as": "u-ada@argovx-sandbox.iam.gserviceaccount.com",
    "through": "token file",
    "expires_at": "2026-11-24T12:00:00Z",
    "may_read": ["gs://argovx-sandbox/users/ada/"],
    "may_write": ["gs://argovx-sandbox/users/ada/"],
    "scope": ["cloud-platform"],
    "problem": "",
}


class Clock:
    """Seconds since the script began; can be set and held."""

    def __init__(self) -> None:
        self.base = time.monotonic()
        self.held: float | None = None
        self.overrides: dict[tuple[str, str], str] = {}

    def now(self) -> float:
        return time.monotonic() - self.base if self.held is None else self.held


CLOCK = Clock()
SEQ = {"epoch": f"e{int(time.time())}", "seq": 0}


def runs() -> list[Run]:
    """All runs at this moment."""
    return SCRIPT(CLOCK.now(), CLOCK.overrides)


def find(run_id: str) -> Run:
    """One run, or 404 in the words of the API."""
    for run in runs():
        if run.id == run_id:
            return run
    raise Missing(run_id)


class Missing(Exception):
    """No such run."""


class Base(APIHandler):
    """JSON answers with our errors."""

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, Missing):
            self.set_status(404)
            self.finish(
                json.dumps(
                    {"error": "RunNotFound", "message": f"run {error} is not known", "hint": "", "docs": ""}
                )
            )
            return
        super().write_error(status_code, **kwargs)


class Runs(Base):
    @web.authenticated
    def get(self) -> None:
        heads = []
        for run in runs():
            head = to_json(run)
            head["nodes"] = []
            heads.append(head)
        self.finish(
            json.dumps({"runs": heads, "profile": "sandbox", "principal": PRINCIPAL, "connection": "live"})
        )


class OneRun(Base):
    @web.authenticated
    def get(self, run_id: str) -> None:
        self.finish(json.dumps(to_json(find(run_id))))


class Verb(Base):
    @web.authenticated
    def post(self, run_id: str, step: str | None = None, verb: str = "stop") -> None:
        for node in find(run_id).nodes:
            if step in (None, node.id):
                CLOCK.overrides[(run_id, node.id)] = verb
        self.finish(json.dumps({}))


class RunVerb(Verb):
    @web.authenticated
    def post(self, run_id: str, verb: str) -> None:  # type: ignore[override]
        for node in find(run_id).nodes:
            CLOCK.overrides[(run_id, node.id)] = verb
        self.finish(json.dumps({}))


class Logs(Base):
    @web.authenticated
    def get(self, run_id: str, node: str) -> None:
        text, complete = logs_of(run_id, node, CLOCK.now())
        after = int(self.get_argument("after", "") or 0)
        self.finish(
            json.dumps({"text": text[after:], "next": len(text), "complete": complete, "truncated": False})
        )


class Metrics(Base):
    @web.authenticated
    def get(self, run_id: str, node: str) -> None:
        after = int(self.get_argument("after", "") or 0)  # every metric is logged with every message here
        series = metrics_of(run_id, node, CLOCK.now())
        longest = max((len(points) for points in series.values()), default=0)
        fresh = {name: points[after:] for name, points in series.items()}
        self.finish(json.dumps({"series": fresh, "next": longest, "whole": after == 0}))


class Said(Base):
    @web.authenticated
    def get(self, run_id: str, node: str) -> None:
        self.finish(json.dumps(to_json(events_of(run_id, node, CLOCK.now()))))


class Spec(Base):
    @web.authenticated
    def get(self, run_id: str, node: str) -> None:
        self.finish(json.dumps(to_json(spec_of(run_id, node))))


class Plan(Base):
    @web.authenticated
    def post(self) -> None:
        body = self.get_json_body() or {}
        self.finish(json.dumps(plan_of(body["path"], body["content"])))


class LineageHandler(Base):
    @web.authenticated
    def get(self) -> None:
        self.finish(
            json.dumps(to_json(lineage_of(find(self.get_argument("run")), self.get_argument("node", ""))))
        )


class Identity(Base):
    @web.authenticated
    def get(self) -> None:
        self.finish(json.dumps(PRINCIPAL))


class MockClock(Base):
    @web.authenticated
    def post(self) -> None:
        body = self.get_json_body() or {}
        CLOCK.held = body.get("at")
        if CLOCK.held is None:
            CLOCK.base = time.monotonic()
        self.finish(json.dumps({}))


class Stream(WebSocketMixin, websocket.WebSocketHandler, JupyterHandler):  # type: ignore[misc]
    """All runs at first, then what changed, ten times a second."""

    async def get(self, *args: Any, **kwargs: Any) -> None:
        if not self.current_user:
            raise web.HTTPError(403)
        await super().get(*args, **kwargs)

    def open(self) -> None:  # type: ignore[override]
        super().open()
        self._known: dict[str, dict[str, Node]] = {}
        self._task = asyncio.ensure_future(self._pump())

    def on_message(self, message: str | bytes) -> None:
        """Nothing is expected."""

    def on_close(self) -> None:
        self._task.cancel()
        super().on_close()

    async def _pump(self) -> None:
        beat = 0.0
        while True:
            messages = [item for run in runs() if (item := self._delta(run))]
            if messages:
                await self.write_message(json.dumps(messages))
            if time.monotonic() - beat > 15:
                beat = time.monotonic()
                await self.write_message(json.dumps({"heartbeat": time.time()}))
            await asyncio.sleep(0.1)

    def _delta(self, run: Run) -> dict[str, Any] | None:
        known = self._known.get(run.id)
        changed = [node for node in run.nodes if known is None or known.get(node.id) != node]
        if known is not None and not changed:
            return None
        self._known[run.id] = {node.id: node for node in run.nodes}
        SEQ["seq"] += 1
        head = to_json(run)
        if known is not None:
            head["nodes"] = []
        nodes = [] if known is None else [to_json(node) for node in changed]
        return {**SEQ, "run": run.id, "revision": run.revision, "upsert": head, "nodes": nodes, "remove": []}


class Events(Base):
    @web.authenticated
    async def get(self) -> None:
        await asyncio.sleep(0.3)
        SEQ["seq"] += 1
        out = [
            {
                **SEQ,
                "run": run.id,
                "revision": run.revision,
                "upsert": to_json(run),
                "nodes": [],
                "remove": [],
            }
            for run in runs()
        ]
        self.finish(json.dumps(out))


def _jupyter_server_extension_points() -> list[dict[str, str]]:
    return [{"module": "argovx_mock"}]


def _load_jupyter_server_extension(server_app: Any) -> None:
    root = url_path_join(server_app.web_app.settings["base_url"], "argovx/api/v1")
    word = r"([^/:]+)"
    routes = [
        (r"/runs", Runs),
        (rf"/runs/{word}", OneRun),
        (rf"/runs/{word}:(stop)", RunVerb),
        (rf"/runs/{word}/steps/{word}:(stop|retry)", Verb),
        (rf"/runs/{word}/nodes/{word}/logs", Logs),
        (rf"/runs/{word}/nodes/{word}/metrics", Metrics),
        (rf"/runs/{word}/nodes/{word}/events", Said),
        (rf"/runs/{word}/nodes/{word}/spec", Spec),
        (r"/plan", Plan),
        (r"/lineage", LineageHandler),
        (r"/identity", Identity),
        (r"/stream", Stream),
        (r"/events", Events),
        (r"/mock", MockClock),
    ]
    server_app.web_app.add_handlers(".*$", [(re.escape(root) + path, handler) for path, handler in routes])


__all__ = ["EPOCH_START"]
