"""No token in any log, output, notebook, manifest, HTTP answer or process list.

The canaries are the real ones: every token that the sandbox handed out in this session, and the shapes of
those that are stored only as hashes. Where a token must lie (its own 0600 file, a pod's projected
volume, the kubeconfig) is listed, and nothing else is.
"""

import json
import os
import re
from pathlib import Path

from kubernetes import client, config
from support import until

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

KINDS = ("workflows", "workflowtemplates", "workflowtaskresults")


def test_no_token_is_to_be_found_where_none_belongs(kernel, lab, sandbox):
    state = Path(os.environ["ARGOVX_SANDBOX"])
    kernel.good("import logging; logging.basicConfig(level=logging.DEBUG, filename='kernel-debug.log')")
    kernel.good("n = 1")
    kernel.good(CELL)
    kernel.good("%argovx whoami")
    kernel.good("%argovx doctor")
    kernel.good("%argovx logs canary")
    kernel.bad("%%vertex_step canary_fails() -> x\nx = {}['token']")

    canaries = _tokens(state)
    assert len(canaries) >= 4
    searched = 0
    for name, content in (
        *_files(state),
        *_files(lab.root.parent),
        *_answers(lab),
        *_objects(state),
        *_processes(),
        ("the notebook", json.dumps(kernel.notebook).encode()),
    ):
        searched += 1
        assert not SHAPES.search(content), f"a token-shaped text in {name}"
        for canary in canaries:
            assert canary not in content, f"a token in {name}"
    assert searched > 50


def test_the_search_finds_a_token_that_is_there(tmp_path):
    (tmp_path / "log").write_text("bearer avx1.0123456789abcdefghijklmnop")
    ((_, content),) = _files(tmp_path)
    assert SHAPES.search(content)


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
    """Yield the command lines on this machine."""
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                yield f"process {folder.name}", (folder / "cmdline").read_bytes()
            except OSError:
                continue
