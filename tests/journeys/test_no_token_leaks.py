"""No token, key or password in any log, output, notebook, manifest, object, HTTP answer or process list.

Everything runs at DEBUG: the sandbox, the launcher in its pod, the kernel and JupyterLab. The canaries are the
real ones: every token that the sandbox handed out in this session, the shapes of those that are stored only as
hashes, the private keys of its CA and its signer, JupyterLab's own token, and a password and a key that the
user has in the kernel's environment and in a cell that is refused. Where one must lie (its own 0600 file, a
pod's projected volume, the kubeconfig) is listed, and nothing else is.
"""

import contextlib
import json
import os
import re
import threading
from pathlib import Path

import pytest
from kubernetes import client, config
from support import until

from argovx_lab.wiring import Services, load_profile
from argovx_lab.wiring.local import sandbox_status, stop_sandbox

SHAPES = re.compile(
    rb"eyJ[A-Za-z0-9_-]{8,}\.eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}|avx1\.[A-Za-z0-9_-]{20,}"
)

CELL = """%%vertex_step canary(n) -> x
import logging, os
logging.basicConfig(level=logging.DEBUG)
print(sorted(os.environ))
print(os.environ)
argovx.log_metrics({"n": n})
x = n"""

#: A password and a key that belong to nobody.
PASSWORD, KEY = "canary-Passw0rd-7f3a", "MIICanaryKey7f3aAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

KEY_CELL = f"""%%vertex_step leak() -> x
key = \"\"\"-----BEGIN PRIVATE KEY-----
{KEY}
-----END PRIVATE KEY-----\"\"\"
x = 1"""

PASSWORD_CELL = f"""%%vertex_step leak() -> x
url = "postgres://ada:{PASSWORD}@db.example/x"
x = 1"""

KINDS = ("workflows", "workflowtemplates", "workflowtaskresults")


@pytest.fixture(scope="module")
def sandbox(tmp_path_factory):
    """A sandbox of this module's own that logs everything."""
    folder = tmp_path_factory.mktemp("loud")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("ARGOVX_SANDBOX", str(folder))
        patch.setenv("ARGOVX_USER", "ada")
        patch.setenv("ARGOVX_LOG_LEVEL", "DEBUG")
        patch.setenv("DATABASE_PASSWORD", PASSWORD)
        patch.delenv("ARGOVX_PROFILE", raising=False)
        services = Services(load_profile())
        _loud_launcher(services.profile)
        try:
            yield services
        finally:
            stop_sandbox(folder, everything=True)


def _loud_launcher(profile):
    """Let the platform's template say that launchers log everything."""
    from argovx_lab.cluster.client import Cluster
    from argovx_lab.compile.platform import cluster_template
    from argovx_lab.wiring.platform import platform_of

    template = cluster_template(platform_of(profile))
    for part in template["spec"]["templates"]:
        part["container"]["env"].append({"name": "ARGOVX_LOG_LEVEL", "value": "DEBUG"})
    status = sandbox_status()
    Cluster(Path(status.kubeconfig), status.owner_context, status.namespace).apply(template)


@contextlib.contextmanager
def _watching():
    """Collect what the machine's process list shows meanwhile: command lines, and our processes' environment."""
    seen, ending = set(), threading.Event()

    def watch():
        while not ending.wait(0.2):
            seen.update(_processes())

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        ending.set()
        thread.join()


def test_no_token_is_to_be_found_where_none_belongs(sandbox, kernel, lab):
    state = Path(os.environ["ARGOVX_SANDBOX"])
    with _watching() as processes:
        _loud(lab)
        kernel.good("import logging; logging.basicConfig(level=logging.DEBUG, filename='kernel-debug.log')")
        kernel.good("n = 1")
        kernel.good(CELL)
        kernel.good("%argovx whoami")
        kernel.good("%argovx doctor")
        kernel.good("%argovx logs canary")
        kernel.bad("%%vertex_step canary_fails() -> x\nx = {}['token']")
        for cell in (KEY_CELL, PASSWORD_CELL):
            text = kernel.bad(cell)
            assert PASSWORD not in text
            assert KEY not in text
        outputs = json.dumps([cell.outputs for cell in kernel.notebook.cells])

    keys = _keys(state)
    canaries = [*_tokens(state), PASSWORD.encode(), KEY.encode()]
    assert len(canaries) >= 6
    searched, loud = 0, b""
    for name, content in (
        *_files(state),
        *_files(lab.root.parent),
        *_answers(lab),
        *_objects(state),
        *_google(sandbox),
        *processes,
        ("the notebook's outputs", outputs.encode()),
    ):
        searched += 1
        loud += content if name.endswith(".log") or "/logs/" in name else b""
        strange = name.startswith("process ") and b"\0argovx_lab." not in content  # others test beside us
        assert strange or not SHAPES.search(content), f"a token-shaped text in {name}"
        database = name.startswith(str(state)) and ".sqlite" in name  # the sandbox keeps its own keys there
        for canary in canaries if database else (*canaries, *keys):
            assert canary not in content, f"a token, key or password in {name}"
        jupyters = name.startswith("process ") or "/home/r/" in name or name.endswith("/lab.log")
        assert jupyters or lab.token.encode() not in content, f"Jupyter's token in {name}"
    assert searched > 100
    assert b"DEBUG" in loud, "nobody logged at DEBUG: this test would see nothing"
    assert any(b"argovx_lab.launcher" in content for _, content in processes)


def _loud(lab):
    """Start JupyterLab anew, at DEBUG."""
    lab.stop()
    folder = Path(lab.env["JUPYTER_CONFIG_DIR"])
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "jupyter_server_config.json").write_text('{"ServerApp": {"log_level": "DEBUG"}}')
    lab.start()


def test_the_search_finds_a_token_that_is_there(tmp_path):
    (tmp_path / "log").write_text("bearer avx1.0123456789abcdefghijklmnop")
    ((_, content),) = _files(tmp_path)
    assert SHAPES.search(content)


def _keys(state):
    """Return lines of the private keys that the sandbox holds."""
    found = []
    for path in state.rglob("*"):
        if path.is_file() and not path.is_symlink() and b"PRIVATE KEY" in (content := path.read_bytes()):
            found += re.findall(rb"[A-Za-z0-9+/=]{64}", content)[:2]
    assert found, "the sandbox has private keys somewhere"
    return found


def _google(services):
    """Yield what Google's end answers to a reader: jobs, lineage, logs."""
    session, ends, profile = services.session, services.profile.endpoints, services.profile
    parent = f"v1/projects/{profile.project}/locations/{profile.region}"
    for path in (f"{parent}/customJobs", f"{parent}/metadataStores/default/executions"):
        yield path, session.request("GET", f"{ends.aiplatform}/{path}").content
    body = json.dumps({"resourceNames": [f"projects/{profile.project}"], "pageSize": 1000}).encode()
    kind = {"Content-Type": "application/json"}
    answer = session.request("POST", f"{ends.aiplatform}/v2/entries:list", headers=kind, data=body)
    assert answer.status_code == 200, answer.text
    yield "the logs of jobs", answer.content


def _tokens(state):
    found = [path.read_bytes().strip() for path in (state / "tokens").iterdir()]
    users = json.loads((state / "kubeconfig").read_text())["users"]
    return found + [user["user"]["token"].encode() for user in users if "token" in user["user"]]


def _files(folder):
    """Yield every file that was written, but for those whose purpose is to hold a token."""
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        if parts[0] in ("tokens", "tls") or path.name in ("kubeconfig", "identity.json"):
            assert path.stat().st_mode & 0o077 == 0, f"{path.name} must be private"
            continue
        if "volumes" in parts and path.name == "token":
            continue
        if path.is_file() and not path.is_symlink():
            assert ".sqlite" not in path.name or path.stat().st_mode & 0o077 == 0, (
                f"{path.name} must be private"
            )
            yield str(path), path.read_bytes()


def _answers(lab):
    """Yield what the server extension answers."""
    overview = until(lambda: lab.api("runs") if lab.api("runs")["runs"] else None, 30, "runs")
    yield "runs", json.dumps(overview).encode()
    for path in ("identity", "events?since=&wait=0"):
        yield path, json.dumps(lab.api(path)).encode()
    for run in overview["runs"]:
        whole = lab.api(f"runs/{run['id']}")
        yield run["id"], json.dumps(whole).encode()
        yield "lineage", json.dumps(lab.api(f"lineage?run={run['id']}")).encode()
        for node in whole["nodes"]:
            yield "logs", json.dumps(lab.api(f"runs/{run['id']}/nodes/{node['id']}/logs")).encode()


def _objects(state):
    """Yield the objects of the API server, as its owner sees them."""
    settings = client.Configuration()
    config.load_kube_config(str(state / "kubeconfig"), "argovx-sandbox", client_configuration=settings)
    api = client.ApiClient(settings)
    custom, core = client.CustomObjectsApi(api), client.CoreV1Api(api)
    for kind in KINDS:
        listed = custom.list_namespaced_custom_object("argoproj.io", "v1alpha1", "argovx", kind)
        yield kind, json.dumps(listed).encode()
    for listed in (
        core.list_namespaced_pod("argovx"),
        core.list_namespaced_event("argovx"),
        core.list_namespaced_config_map("argovx"),
    ):
        yield type(listed).__name__, json.dumps(api.sanitize_for_serialization(listed)).encode()


def _processes():
    """Yield the command lines on this machine, and the environment of the processes of ours."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                line = (folder / "cmdline").read_bytes()
                yield f"process {folder.name}", line
                if b"argovx_lab.launcher" in line or b"argovx_lab.sandbox" in line:
                    yield f"environment of {folder.name}", (folder / "environ").read_bytes()
            except OSError:
                continue
