"""A small loopback world for the launcher: STS, storage, custom jobs, metadata and two Kubernetes calls.

Hand-written for faults: any request can be refused, cut before or after it was carried out, or made to hang.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from argovx_lab.model import names
from argovx_lab.model.layout import Layout
from argovx_lab.model.step import Environment, Machine, Runner, Source, StepSpec, canonical

PROJECT, NUMBER, REGION, BUCKET, USER, UID = "demo", "123456", "europe-west4", "bucket-a", "ada", "uid-1"
RUN_AS = "u-ada@demo.iam.gserviceaccount.com"
CANARY = "ya29.canary-access-token-1234567890"
STARTED_AT = "2026-11-24T08:00:00Z"


def jwt(**claims: Any) -> str:
    """Return an unsigned token that looks like a ServiceAccount's."""

    def part(doc: Any) -> str:
        return base64.urlsafe_b64encode(json.dumps(doc).encode()).decode().rstrip("=")

    return f"{part({'alg': 'RS256'})}.{part({'exp': int(time.time()) + 3600, **claims})}.c2lnbmF0dXJl"


class Answer(Exception):
    """Ends a request with a status and a JSON body."""

    def __init__(self, status: int, message: str = "", reason: str = "") -> None:
        self.status = status
        self.body = {"error": {"code": status, "message": message, "status": reason}}


class World:
    """State behind the endpoints."""

    def __init__(self) -> None:
        self.lock = threading.RLock()
        self.objects: dict[str, dict[str, Any]] = {}
        self.jobs: dict[str, dict[str, Any]] = {}
        self.nodes: dict[str, dict[str, Any]] = {}
        self.memberships: list[tuple[str, str, dict[str, Any]]] = []
        self.task_results: dict[str, dict[str, Any]] = {}
        self.workflow: dict[str, Any] | None = workflow()
        self.requests: list[str] = []
        self.faults: list[list[Any]] = []
        self.exchanges = 0
        self.hide_jobs = 0
        self.behaviour: Any = succeed
        self.generation = 1000
        self.subject_token = jwt(sub="system:serviceaccount:team:wf-ada")

    # -- what tests do ------------------------------------------------------------------------------------------
    def fault(self, pattern: str, action: Any, times: int = 1) -> None:
        """Plan a fault: ``METHOD /path`` regex → status, ``lost``, ``reset`` or a callable."""
        self.faults.append([re.compile(pattern), action, times])

    def put(self, name: str, data: bytes, digest: str = "") -> dict[str, Any]:
        """Write an object past all checks."""
        with self.lock:
            self.generation += 1
            stored = {
                "bucket": BUCKET,
                "name": name,
                "generation": str(self.generation),
                "size": str(len(data)),
                "contentType": "application/octet-stream",
                "md5Hash": base64.b64encode(hashlib.md5(data, usedforsecurity=False).digest()).decode(),
                "metadata": {"argovx-sha256": digest or hashlib.sha256(data).hexdigest()},
                "data": data,
            }
            self.objects[name] = stored
            return stored

    def document(self, name: str) -> Any:
        """Return a JSON object that was written."""
        return json.loads(self.objects[name]["data"])

    def count(self, pattern: str) -> int:
        """Return how many requests fit."""
        return sum(1 for line in self.requests if re.search(pattern, line))

    # -- dispatch -----------------------------------------------------------------------------------------------
    def answer(self, method: str, path: str, query: dict[str, str], headers: Any, body: bytes) -> Any:
        if path == "/v1/token":
            return self._token(parse_qs(body.decode()))
        if path.startswith("/apis/"):
            return self._kubernetes(method, path, body)
        if headers.get("Authorization") != f"Bearer {CANARY}":
            raise Answer(401, "no token")
        if path.startswith(("/upload/", "/storage/")):
            return self._storage(method, path, query, headers, body)
        match = re.match(rf"/v1/projects/({PROJECT}|{NUMBER})/locations/{REGION}/(.*)\Z", path)
        if not match:
            raise Answer(404, f"no route {path}")
        rest = match.group(2)
        if rest.startswith("customJobs"):
            return self._custom_jobs(method, rest, query, body)
        return self._metadata(method, rest, query, body)

    def _token(self, form: dict[str, list[str]]) -> Any:
        if form.get("subject_token") != [self.subject_token]:
            raise Answer(400, "bad subject token")
        self.exchanges += 1
        return {"access_token": CANARY, "expires_in": 3600, "token_type": "Bearer"}

    def _kubernetes(self, method: str, path: str, body: bytes) -> Any:
        kind, name = path.split("/")[-2:]
        if kind == "workflows" and method == "GET":
            if self.workflow is None:
                raise Answer(404)
            return self.workflow
        if kind == "workflowtaskresults" and method == "PATCH":
            if name not in self.task_results:
                raise Answer(404)
            self.task_results[name].update(json.loads(body))
            return self.task_results[name]
        raise Answer(403)

    def _storage(self, method: str, path: str, query: dict[str, str], headers: Any, body: bytes) -> Any:
        if path.startswith("/upload/"):
            return self._upload(query, headers, body)
        name = unquote(path.partition("/o/")[2])
        if not name:
            return self._list_objects(query)
        stored = self.objects.get(name)
        if stored is None or query.get("generation", stored["generation"]) != stored["generation"]:
            raise Answer(404, "No such object")
        if query.get("alt") == "media":
            return stored["data"]
        return {key: value for key, value in stored.items() if key != "data"}

    def _upload(self, query: dict[str, str], headers: Any, body: bytes) -> Any:
        border = headers["Content-Type"].partition("boundary=")[2].encode()
        _, head, rest = body.split(b"--" + border, 2)
        about = json.loads(head.partition(b"\r\n\r\n")[2])
        data = rest.partition(b"\r\n\r\n")[2].rpartition(b"\r\n--" + border + b"--")[0]
        if query.get("ifGenerationMatch") == "0" and about["name"] in self.objects:
            raise Answer(412, "conditionNotMet")
        stored = self.put(about["name"], data, (about.get("metadata") or {}).get("argovx-sha256", ""))
        return {key: value for key, value in stored.items() if key != "data"}

    def _list_objects(self, query: dict[str, str]) -> Any:
        found = [
            {key: value for key, value in self.objects[name].items() if key != "data"}
            for name in sorted(self.objects)
            if name.startswith(query.get("prefix", "")) and name >= query.get("startOffset", "")
        ]
        return {"items": found}

    def _custom_jobs(self, method: str, rest: str, query: dict[str, str], body: bytes) -> Any:
        name = f"projects/{NUMBER}/locations/{REGION}/{rest}"
        if rest == "customJobs" and method == "POST":
            name += f"/{7000 + len(self.jobs)}"
            created = f"2026-11-24T08:00:{len(self.jobs):02d}Z"
            job = {**json.loads(body), "name": name, "state": "JOB_STATE_PENDING", "createTime": created}
            self.jobs[name] = job
            self.behaviour(self, job)
            return job
        if rest == "customJobs":
            if self.hide_jobs:
                self.hide_jobs -= 1
                return {}
            wanted = dict(re.findall(r'labels\.([a-z0-9_-]+)="([^"]*)"', query.get("filter", "")))
            return {
                "customJobs": [
                    job
                    for job in self.jobs.values()
                    if all(job["labels"].get(key) == value for key, value in wanted.items())
                ]
            }
        name, _, verb = name.partition(":")
        if name not in self.jobs:
            raise Answer(404, "CustomJob not found", "NOT_FOUND")
        job = self.jobs[name]
        if verb == "cancel":
            if job["state"] in ("JOB_STATE_SUCCEEDED", "JOB_STATE_FAILED", "JOB_STATE_CANCELLED"):
                raise Answer(400, "job has ended", "FAILED_PRECONDITION")
            job["state"] = "JOB_STATE_CANCELLED"
            return {}
        return job

    def _metadata(self, method: str, rest: str, query: dict[str, str], body: bytes) -> Any:
        node, _, verb = rest.partition(":")
        doc = json.loads(body) if body else {}
        if rest == "metadataStores/default":
            return {"name": rest}
        if method == "PATCH":
            assert query["allowMissing"] == "true"
            self.nodes.setdefault(node, {"name": node}).update(doc)
            return self.nodes[node]
        if method == "POST":
            self.memberships.append((node, verb, doc))
            return {}
        if node not in self.nodes:
            raise Answer(404)
        return self.nodes[node]


class Server:
    """Serves a world on loopback."""

    def __init__(self, world: World) -> None:
        self.world = world
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            wbufsize = -1  # headers and body in one segment

            def log_message(self, *args: Any) -> None:
                pass

            def _serve(self) -> None:
                outer.serve(self)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815  (http.server's names)

        self._http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._http.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._http.server_address[1]}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._http.shutdown()
        self._thread.join()
        self._http.server_close()

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        world = self.world
        body = handler.rfile.read(int(handler.headers.get("Content-Length") or 0))
        parts = urlsplit(handler.path)
        query = {key: values[-1] for key, values in parse_qs(parts.query).items()}
        line = f"{handler.command} {unquote(parts.path)}"
        action = None
        with world.lock:
            world.requests.append(line)
            for entry in world.faults:
                if entry[2] > 0 and entry[0].search(line):
                    entry[2] -= 1
                    action = entry[1]
                    break
            if callable(action):
                action(world)
                action = None
            if action == "reset":
                return self._cut(handler)
            try:
                if isinstance(action, int):
                    raise Answer(action, "planned")
                if isinstance(action, Answer):
                    raise action
                result, status = world.answer(handler.command, parts.path, query, handler.headers, body), 200
            except Answer as error:
                result, status = error.body, error.status
        if action == "lost":
            return self._cut(handler)
        data = result if isinstance(result, bytes) else json.dumps(result).encode()
        handler.send_response(status)
        handler.send_header("Content-Length", str(len(data)))
        handler.end_headers()
        handler.wfile.write(data)
        handler.wfile.flush()
        return None

    @staticmethod
    def _cut(handler: BaseHTTPRequestHandler) -> None:
        handler.close_connection = True
        handler.connection.close()


# -- what runs behind a job ---------------------------------------------------------------------------------------
def stay(world: World, job: dict[str, Any]) -> None:
    """The job runs and nothing happens."""
    job["state"] = "JOB_STATE_RUNNING"


def event(seq: int, method: str, **params: Any) -> bytes:
    line = {"v": 1, "seq": seq, "at": "2026-11-24T08:00:01Z", "method": method, "params": params}
    return canonical(line) + b"\n"


def intent_of(world: World, job: dict[str, Any]) -> tuple[dict[str, Any], str]:
    args = job["jobSpec"]["workerPoolSpecs"][0]["containerSpec"]["args"]
    name = args[2].partition(f"gs://{BUCKET}/")[2]
    data = world.objects[name]["data"]
    assert hashlib.sha256(data).hexdigest() == args[3]
    intent = json.loads(data)
    return intent, intent["prefix"].partition(f"gs://{BUCKET}/")[2]


def succeed(world: World, job: dict[str, Any]) -> None:
    """The runner does its work at once."""
    intent, folder = intent_of(world, job)
    outputs = {}
    for name in intent["outputs"]:
        stored = world.put(f"{folder}out/{name}/data", b'{"x":1}')
        outputs[name] = {
            "codec": "json",
            "summary": "dict of 1",
            "size_bytes": int(stored["size"]),
            "digest": hashlib.sha256(stored["data"]).hexdigest(),
            "generation": stored["generation"],
            "uri": f"gs://{BUCKET}/{folder}out/{name}/data",
        }
    world.put(f"{folder}r0.0/events/part-00001", event(1, "opened", python="3.11.2", pid=1))
    world.put(
        f"{folder}r0.0/events/part-00002",
        event(2, "phase", phase="running")
        + event(3, "progress", done=3, total=4)
        + event(4, "metric", values={"accuracy": 0.97}, step=1),
    )
    world.put(f"{folder}r0.0/logs/part-00001", b"hello from the cell\n")
    world.put(
        f"{folder}manifest.json",
        canonical(
            {
                "schema": "argovx.manifest/1",
                "step": "train",
                "task": intent["task"],
                "attempt_key": intent["attempt_key"],
                "workflow_uid": intent["workflow_uid"],
                "spec_digest": intent["spec"]["digest"],
                "python": "3.11",
                "created_at": "2026-11-24T08:00:02Z",
                "outputs": outputs,
                "metrics": {"accuracy": 0.97},
                "values": {"model": {"x": 1}},
            }
        ),
    )
    closed = event(5, "closed", outcome="succeeded", exit_code=0, error=None)
    world.put(f"{folder}r0.0/events/part-00003", closed)
    job["state"] = "JOB_STATE_SUCCEEDED"


def fail(world: World, job: dict[str, Any]) -> None:
    """The user's cell raises."""
    _, folder = intent_of(world, job)
    error = {
        "type": "KeyError",
        "message": "'label'",
        "place": "cell 7, line 12",
        "traceback": ["Traceback …"],
    }
    world.put(f"{folder}r0.0/logs/part-00001", b"about to fail\n")
    world.put(
        f"{folder}r0.0/events/part-00001",
        event(1, "opened", python="3.11", pid=1)
        + event(2, "closed", outcome="failed", exit_code=1, error=error),
    )
    job["state"] = "JOB_STATE_FAILED"
    job["error"] = {"code": 3, "message": "The replica workerpool0-0 exited with a non-zero status of 1."}


# -- documents ----------------------------------------------------------------------------------------------------
def workflow(ordinal: int = 0, started_at: str | None = STARTED_AT) -> dict[str, Any]:
    node = f"wf-1.train({ordinal})"
    node_id = names.node_id("wf-1", node)
    return {
        "metadata": {
            "name": "wf-1",
            "uid": UID,
            "namespace": "team",
            "labels": {names.LABEL_USER: USER, names.LABEL_RUN: "run-1", names.LABEL_STEP: "train"},
            "annotations": {names.ANNOTATION_NOTEBOOK: "work/digits.ipynb"},
        },
        "spec": {"templates": [{"name": "main", "dag": {"tasks": [{"name": "train"}]}}]},
        "status": {
            "phase": "Running",
            "startedAt": started_at,
            "nodes": {node_id: {"id": node_id, "name": node, "phase": "Running"}},
        },
    }


def spec(world: World, **changes: Any) -> StepSpec:
    """Put runner and step document into the bucket and return the step."""
    layout = Layout(BUCKET, USER)
    runner = hashlib.sha256(b"zipapp").hexdigest()
    world.put(layout.object(runner), b"zipapp")
    step = StepSpec(
        name="train",
        source=Source(digest="a" * 64, uri=layout.uri(layout.object("a" * 64)), notebook="work/digits.ipynb"),
        environment=Environment(image="python:3.11"),
        runner=Runner(digest=runner, uri=layout.uri(layout.object(runner))),
        run_as=RUN_AS,
        outputs={"model": "auto"},
        **{"machine": Machine("n1-standard-8", "NVIDIA_TESLA_T4", 1), **changes},
    )
    world.put(layout.object(step.digest), step.encode())
    return step
