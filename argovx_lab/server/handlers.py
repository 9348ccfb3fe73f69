"""REST handlers: HTTP in, HTTP out; the work is the hub's.

Every handler authenticates, authorizes against the resource ``argovx`` and answers JSON; a POST must be
``application/json`` and same-site. Errors are ``{error, message, hint, docs}`` and nothing else.
"""

from __future__ import annotations

import json
import re
from typing import Any

from jupyter_server.auth.decorator import authorized
from jupyter_server.base.handlers import APIHandler
from tornado import web

from argovx_lab.errors import ArgovxError, InternalError, SpecError
from argovx_lab.model.run import to_json
from argovx_lab.runs.shapes import digits
from argovx_lab.server.hub import Hub

#: A place among logged points: where to begin, or what an earlier answer named.
_PLACE = re.compile(r"(?:[0-9a-f]{1,40}\.)?[0-9]{1,18}\Z")

#: Largest notebook document that a plan is made of. Unit: bytes.
PLAN_MAX = 32 * 1024 * 1024


class ArgovxHandler(APIHandler):
    """What all handlers share."""

    auth_resource = "argovx"

    @property
    def hub(self) -> Hub:
        """The process' hub."""
        hub: Hub = self.settings["argovx_hub"]
        return hub

    async def prepare(self, **kwargs: Any) -> None:
        """Refuse cross-site requests and POSTs that are not JSON before anything else is done."""
        if self.request.headers.get("Sec-Fetch-Site", "same-origin") == "cross-site":
            raise web.HTTPError(403, "cross-site requests are refused")
        content = self.request.headers.get("Content-Type", "")
        if self.request.method == "POST" and content.partition(";")[0].strip() != "application/json":
            raise web.HTTPError(415, "the body must be application/json")
        await super().prepare(**kwargs)

    def write_error(self, status_code: int, **kwargs: Any) -> None:  # noqa: ARG002  (tornado's name)
        """Answer an error in our shape; never a traceback."""
        error = (kwargs.get("exc_info") or (None, None, None))[1]
        if isinstance(error, ArgovxError):
            self.set_status(error.http_status)
            body = error.to_dict()
        elif isinstance(error, web.HTTPError):
            body = {
                "error": "HTTPError",
                "message": error.log_message or error.reason or "refused",
                "hint": "",
                "docs": "",
            }
        else:
            body = InternalError("argovx-lab failed; the server's log tells more").to_dict()
        self.set_header("Content-Type", "application/json")
        self.finish(json.dumps(body))

    def log_exception(self, typ: Any, value: Any, tb: Any) -> None:
        """Log our own errors as one line."""
        if isinstance(value, ArgovxError):
            self.log.warning("argovx: %s: %s", value.name, value.message)
        else:
            super().log_exception(typ, value, tb)

    def number(self, name: str) -> int:
        """Return a query argument that must be a number from 0."""
        text = self.get_argument(name, "0")
        if not digits(text):
            raise SpecError(f"{name}={text!r} is not a number", hint=f"Use {name}=0 to begin.")
        return int(text)

    def body(self) -> dict[str, Any]:
        """Return the JSON body, which must be an object."""
        try:
            body = json.loads(self.request.body or b"{}")
        except ValueError as error:
            raise SpecError("the body is not JSON") from error
        except RecursionError as error:
            raise SpecError("the body is nested too deeply", hint="Send a notebook document.") from error
        if not isinstance(body, dict):
            raise SpecError("the body must be a JSON object")
        return body


class RunsHandler(ArgovxHandler):
    """``GET runs``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer all runs without their nodes."""
        self.finish(json.dumps(await self.hub.call(self.hub.overview)))


class RunHandler(ArgovxHandler):
    """``GET runs/{id}``."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str) -> None:
        """Answer one run."""
        self.finish(json.dumps(to_json(await self.hub.call(self.hub.run, run_id))))


class LogsHandler(ArgovxHandler):
    """``GET runs/{id}/nodes/{node}/logs?after=OFFSET``."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str, node: str) -> None:
        """Answer log text from a byte offset on."""
        after = self.number("after")
        log = await self.hub.call(lambda: self.hub.path.follower.logs(run_id, node, after))
        body = {"text": log.text, "next": log.next, "complete": log.complete, "truncated": log.truncated}
        self.finish(json.dumps(body))


class MetricsHandler(ArgovxHandler):
    """``GET runs/{id}/nodes/{node}/metrics?after=PLACE``."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str, node: str) -> None:
        """Answer the points that were logged after a place, or all where it is no place of these curves."""
        after = self.get_argument("after", "0")
        if not _PLACE.match(after):
            raise SpecError(f"after={after[:40]!r} is no place", hint="Use after=0 to begin, then each next.")
        page = await self.hub.call(self.hub.path.follower.metrics, run_id, node, after)
        self.finish(json.dumps({"series": page.series, "next": page.next, "whole": page.whole}))


class SaidHandler(ArgovxHandler):
    """``GET runs/{id}/nodes/{node}/events``."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str, node: str) -> None:
        """Answer what Argo, launcher, Vertex and runner said of a step."""
        said = await self.hub.call(lambda: self.hub.detail.events(run_id, node))
        self.finish(json.dumps(to_json(said)))


class SpecHandler(ArgovxHandler):
    """``GET runs/{id}/nodes/{node}/spec``."""

    @web.authenticated
    @authorized
    async def get(self, run_id: str, node: str) -> None:
        """Answer a step as it was submitted."""
        document = await self.hub.call(lambda: self.hub.detail.document(run_id, node))
        self.finish(json.dumps(to_json(document)))


class PlanHandler(ArgovxHandler):
    """``POST plan``."""

    @web.authenticated
    @authorized
    async def post(self) -> None:
        """Answer the planned steps of a notebook document, found without running it."""
        if len(self.request.body or b"") > PLAN_MAX:
            raise SpecError(f"the notebook is larger than {PLAN_MAX:,} bytes")
        body = self.body()
        content, path = body.get("content"), str(body.get("path") or "")
        if not isinstance(content, dict):
            raise SpecError("content must be the notebook document", hint="Send {path, content}.")
        self.finish(json.dumps(await self.hub.call(self.hub.plan, content, path)))


class LineageHandler(ArgovxHandler):
    """``GET lineage?run=ID[&node=NAME]``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer the lineage of a run, joined from Argo and Vertex."""
        run_id, node = self.get_argument("run"), self.get_argument("node", "")
        self.finish(json.dumps(await self.hub.call(self.hub.lineage, run_id, node)))


class IdentityHandler(ArgovxHandler):
    """``GET identity``."""

    @web.authenticated
    @authorized
    async def get(self) -> None:
        """Answer who acts."""
        principal = await self.hub.call(self.hub.principal)
        self.finish(json.dumps(to_json(principal)))


class RunVerbHandler(ArgovxHandler):
    """``POST runs/{id}:stop``."""

    @web.authenticated
    @authorized
    async def post(self, run_id: str) -> None:
        """Stop a run."""
        self.body()
        self.finish(json.dumps(await self.hub.call(self.hub.stop_run, run_id)))


class StepVerbHandler(ArgovxHandler):
    """``POST runs/{id}/steps/{name}:{stop,retry}``."""

    @web.authenticated
    @authorized
    async def post(self, run_id: str, name: str, verb: str) -> None:
        """Stop or retry a step."""
        self.body()
        act = {"stop": self.hub.stop_step, "retry": self.hub.retry_step}[verb]
        self.finish(json.dumps(await self.hub.call(act, run_id, name)))


_NAME = r"([A-Za-z0-9][A-Za-z0-9._-]*)"
_VERB = r"(?::|%3[Aa])"  # tornado matches before it decodes, and some clients encode the colon

ROUTES: tuple[tuple[str, type[ArgovxHandler]], ...] = (
    (r"runs", RunsHandler),
    (rf"runs/{_NAME}", RunHandler),
    (rf"runs/{_NAME}{_VERB}stop", RunVerbHandler),
    (rf"runs/{_NAME}/nodes/{_NAME}/logs", LogsHandler),
    (rf"runs/{_NAME}/nodes/{_NAME}/metrics", MetricsHandler),
    (rf"runs/{_NAME}/nodes/{_NAME}/events", SaidHandler),
    (rf"runs/{_NAME}/nodes/{_NAME}/spec", SpecHandler),
    (rf"runs/{_NAME}/steps/{_NAME}{_VERB}(stop|retry)", StepVerbHandler),
    (r"plan", PlanHandler),
    (r"lineage", LineageHandler),
    (r"identity", IdentityHandler),
)
