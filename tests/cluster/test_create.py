"""Creating one Workflow while the API server is busy or answers get lost: never a second one."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from argovx_lab.cluster import create as module
from argovx_lab.cluster.client import Cluster
from argovx_lab.errors import Conflict, PermissionMissing, Unavailable
from argovx_lab.model.names import ANNOTATION_PLAN

CONFIG = """
apiVersion: v1
kind: Config
clusters: [{{name: c, cluster: {{server: "http://127.0.0.1:{port}"}}}}]
users: [{{name: u, user: {{token: t}}}}]
contexts: [{{name: x, context: {{cluster: c, user: u}}}}]
"""


def workflow(name="train-1", plan="p1"):
    return {"metadata": {"name": name, "annotations": {ANNOTATION_PLAN: plan}}}


class Api:
    """Workflows by name; ``script`` holds ``(status, carried out, Retry-After)`` of the next create calls."""

    def __init__(self, folder):
        self.workflows, self.script, self.posts, self.deaf = {}, [], 0, 0
        api = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *args):
                pass

            def do_POST(self):
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                api.posts += 1
                status, done, later = api.script.pop(0) if api.script else (201, True, "")
                name = body["metadata"]["name"]
                if done and name in api.workflows:
                    status, later = 409, ""
                elif done:
                    api.workflows[name] = body
                self.answer(status, body if status == 201 else {"message": f"said {status}"}, later)

            def do_GET(self):
                if api.deaf:
                    api.deaf -= 1
                    self.answer(503, {"message": "busy"}, "1")
                    return
                found = api.workflows.get(self.path.rpartition("/")[2])
                self.answer(200 if found else 404, found or {"message": "none"})

            def answer(self, status, document, later=""):
                if not status:
                    self.connection.close()
                    return
                data = json.dumps(document).encode()
                self.send_response(status)
                if later:
                    self.send_header("Retry-After", later)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        config = folder / "kubeconfig"
        config.write_text(CONFIG.format(port=self.server.server_address[1]))
        self.cluster = Cluster(config, "x", "n")
        self.said = []

    def create(self, body=None, **options):
        return self.cluster.create_workflow(
            body or workflow(), waiting=lambda *words: self.said.append(words), **options
        )


@pytest.fixture
def api(tmp_path, monkeypatch):
    made = Api(tmp_path)
    made.slept = []
    monkeypatch.setattr(module.time, "sleep", made.slept.append)
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.mark.parametrize("status", [429, 503])
def test_a_busy_api_server_is_asked_again_after_the_time_it_names(api, status):
    api.script = [(status, False, "7"), (status, False, "9")]
    assert api.create() == workflow()
    assert api.slept == [7.0, 9.0]
    assert [(pause, f"said {status}" in reason) for pause, reason in api.said] == [(7.0, True), (9.0, True)]
    assert list(api.workflows) == ["train-1"]


def test_without_a_named_time_the_pauses_double(api):
    api.script = [(503, False, "")] * 4
    api.create()
    assert all(0.25 * 2**i <= pause <= 0.5 * 2**i for i, pause in enumerate(api.slept))
    assert len(api.slept) == 4


@pytest.mark.parametrize("status", [503, 500, 504, 0])
def test_an_answer_that_was_lost_after_the_work_is_looked_up(api, status):
    api.script = [(status, True, "1")]
    assert api.create() == workflow()
    assert (api.posts, list(api.workflows)) == (1, ["train-1"])


def test_a_repeat_of_what_was_done_although_nobody_could_tell_is_that_success(api):
    """503 after the work, and the look-up is refused as well: the repeat meets its own Workflow."""
    api.script, api.deaf = [(503, True, "1")], 1
    assert api.create() == workflow()
    assert (api.posts, list(api.workflows), api.slept) == (2, ["train-1"], [1.0])


def test_it_gives_up_in_time_and_nothing_is_there(api):
    api.script = [(429, False, "")] * 99
    with pytest.raises(Unavailable, match="said 429"):
        api.create()
    assert api.posts == module.TRIES
    assert not api.workflows


@pytest.mark.parametrize("later", ["61", "999999999"])
def test_a_wait_that_is_longer_than_its_patience_is_not_begun(api, later):
    api.script = [(429, False, later)]
    with pytest.raises(Unavailable, match="said 429"):
        api.create()
    assert (api.posts, api.slept, api.said) == (1, [], [])


@pytest.mark.parametrize("later", ["soon", "-1", "Wed, 21 Oct 2026 07:28:00 GMT", "٣"])
def test_a_time_in_another_form_counts_as_none(api, later):
    api.script = [(429, False, later.encode().decode("latin-1"))]
    api.create()
    assert api.slept[0] <= 0.5


@pytest.mark.parametrize(("status", "kind"), [(403, PermissionMissing), (500, Unavailable), (0, Unavailable)])
def test_other_refusals_are_not_repeated(api, status, kind):
    api.script = [(status, False, "1")]
    with pytest.raises(kind):
        api.create()
    assert (api.posts, api.slept) == (1, [])


def test_a_lost_answer_that_cannot_be_looked_up_is_said_to_be_unknown(api):
    api.script, api.deaf = [(0, True, "")], 1
    with pytest.raises(Unavailable, match="whether Workflow train-1 was created is not known"):
        api.create()


def test_a_name_that_another_plan_has_is_a_conflict(api):
    api.workflows["train-1"] = workflow(plan="theirs")
    with pytest.raises(Conflict):
        api.create()
    assert api.workflows["train-1"] == workflow(plan="theirs")
