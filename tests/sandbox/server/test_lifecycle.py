"""A sandbox is started, found, stopped, killed, and comes back as it was."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox import lifecycle

ROOT = Path(lifecycle.__file__).resolve().parents[2]
SAME = ("kubernetes_endpoint", "google_endpoint", "proxy", "audience", "user", "bucket", "project_number")


def test_it_starts_is_found_and_stops(folder, start, kube):
    assert lifecycle.status(folder) is None
    status = start()
    assert lifecycle.status(folder) == status
    assert start() == status, "a second start changes nothing"
    names = {item["metadata"]["name"] for item in kube(status).call("GET", "/api/v1/namespaces")["items"]}
    assert {"argovx", "default", "argo"} <= names
    assert lifecycle.stop(folder) == lifecycle.Stopped(True, 0, 0)
    assert lifecycle.status(folder) is None
    assert not (folder / "sandbox.json").exists()
    assert lifecycle.stop(folder) == lifecycle.Stopped(False, 0, 0)


def test_every_file_is_for_its_owner_only(folder, start):
    start()
    for path in [folder, *folder.rglob("*")]:
        if "processes" in path.parts:
            continue
        mode = stat.S_IMODE(path.stat().st_mode)
        assert mode & 0o077 == 0, f"{path} has mode {mode:o}"
    assert stat.S_IMODE((folder / "sandbox.json").stat().st_mode) == 0o600


def test_the_discovery_file_says_what_people_rely_on(folder, start):
    status = start()
    document = json.loads((folder / "sandbox.json").read_text())
    assert document["pid"] == status.pid
    assert document["argo_server"] is None
    assert document["namespace"] == "argovx"
    assert (document["project"], document["project_number"]) == ("argovx-sandbox", "418253107624")
    assert (document["bucket"], document["region"]) == ("argovx-sandbox-alice", "us-central1")
    assert document["run_as"] == "u-alice@argovx-sandbox.iam.gserviceaccount.com"
    for name in ("kubeconfig", "ca", "ca_bundle", "credentials", "notebook_credentials", "notebook_token"):
        assert Path(document[name]).is_file(), name


def test_after_kill_9_it_comes_back_with_ports_keys_and_pods_and_what_ran_goes_on(folder, start, kube, until):
    status = start()
    api = kube(status)
    api.run("p", "echo up; while [ ! -e /tmp/go ]; do sleep 0.02; done; echo down; exit 5")
    until(lambda: api.phase("p") == "Running", "running pod")
    token, kubeconfig = Path(status.owner_token).read_text(), Path(status.kubeconfig).read_text()
    os.kill(status.pid, signal.SIGKILL)
    until(lambda: lifecycle.status(folder) is None, "death")
    (group,) = lifecycle.running(folder)
    assert group.state().phase == "running", "the pod goes on without a server"
    again = start()
    assert again.pid != status.pid
    assert {name: getattr(again, name) for name in SAME} == {name: getattr(status, name) for name in SAME}
    assert Path(again.kubeconfig).read_text() == kubeconfig, "old kubeconfigs stay valid"
    assert Path(again.owner_token).read_text() != token, "tokens are renewed"
    group.host_path("/tmp/go").touch()
    until(lambda: api.phase("p") == "Failed", "end of the pod")
    done = api.pods("p")["status"]["containerStatuses"][0]["state"]["terminated"]
    assert done["exitCode"] == 5


def test_stop_leaves_pods_running_and_stop_all_ends_them(folder, start, kube, until):
    api = kube(start())
    api.run("p", "exec sleep 1000")
    until(lambda: api.phase("p") == "Running", "running pod")
    assert lifecycle.stop(folder) == lifecycle.Stopped(True, 1, 0)
    assert len(lifecycle.running(folder)) == 1
    start()
    assert api.phase("p") == "Running"
    assert lifecycle.stop(folder, all=True) == lifecycle.Stopped(True, 0, 1)
    assert lifecycle.running(folder) == []
    start()
    until(lambda: api.phase("p") == "Failed", "truth about the killed pod")


def test_a_stop_does_not_wait_for_open_watches_and_tunnels(folder, start, kube):
    status = start()
    api = kube(status)
    address = urlsplit(status.kubernetes_endpoint)
    plain = socket.create_connection((address.hostname, address.port), timeout=20)
    with api.context.wrap_socket(plain, server_hostname=address.hostname) as watch:
        head = f"GET /api/v1/pods?watch=1 HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {api.token}\r\n\r\n"
        watch.sendall(head.encode())
        assert watch.recv(9) == b"HTTP/1.1 "
        proxy = urlsplit(status.proxy)
        with socket.create_connection((proxy.hostname, proxy.port), timeout=20) as tunnel:
            tunnel.sendall(b"CONNECT storage.googleapis.com:443 HTTP/1.1\r\n\r\n")
            assert tunnel.recv(12) == b"HTTP/1.1 200"
            began = time.monotonic()
            lifecycle.stop(folder)
            assert time.monotonic() - began < lifecycle.STOP_TIMEOUT_S / 2, "it had to be killed"


def test_two_starters_get_one_server(folder, start):
    with ThreadPoolExecutor(2) as pool:
        first, second = pool.map(lambda _: start(), range(2))
    assert first == second


def test_a_second_server_is_refused(folder, start):
    start()
    command = [sys.executable, "-m", "argovx_lab.sandbox.server", "--state", str(folder)]
    done = subprocess.run(command, cwd=ROOT, env={}, capture_output=True, text=True, timeout=30)
    assert done.returncode == 69
    assert "another sandbox server runs" in done.stderr


def test_a_folder_belongs_to_one_user(folder, start):
    start()
    with pytest.raises(SandboxError, match="belongs to user 'alice'"):
        lifecycle.start(folder, user="bob")


def test_a_wrong_setting_is_said_at_the_start(folder):
    folder.mkdir()
    (folder / "settings.toml").write_text("provisioning = 3\n")
    with pytest.raises(SandboxError, match="unknown setting provisioning") as caught:
        lifecycle.start(folder, user="alice")
    assert "provisioning_s" in caught.value.hint


def test_a_taken_port_is_said_at_the_start(folder, start):
    start()
    lifecycle.stop(folder)
    port = json.loads((folder / "ports.json").read_text())["google"]
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", port))
        taken.listen()
        with pytest.raises(SandboxError, match=f"port {port} of the sandbox \\(google\\) is used") as caught:
            start()
    assert "ports.json" in caught.value.hint


def test_a_folder_that_cannot_be_made_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SandboxError, match="cannot make the sandbox's state folder"):
        lifecycle.start(tmp_path / "file" / "state", user="alice")


@pytest.mark.parametrize("disk", [24], indirect=True)
def test_a_full_disk_is_named_at_the_start_and_does_not_keep_anything_from_a_stop(disk, kube, until):
    folder = disk.place / "state"
    disk.fill()
    with pytest.raises(SandboxError, match=r"the disk under .*/disk is full") as caught:
        lifecycle.start(disk.place, user="alice")
    assert "Free some space" in caught.value.hint
    disk.make_room()
    try:
        status = lifecycle.start(folder, user="alice")
        api = kube(status)
        api.run("p", "exec sleep 1000")
        until(lambda: api.phase("p") == "Running", "running pod")
        os.kill(json.loads((next(folder.rglob("state.json"))).read_text())["supervisor"], signal.SIGKILL)
        api.run("q", "exec sleep 1000")
        until(lambda: api.phase("q") == "Running", "running pod")
        disk.fill()
    finally:
        stopped = lifecycle.stop(folder, all=True)
    assert stopped == lifecycle.Stopped(True, 0, 1)
    assert lifecycle.running(folder) == []
    assert lifecycle.status(folder) is None
    with pytest.raises(SandboxError, match=r"the disk under .*/state is full"):
        lifecycle.start(folder, user="alice")


def test_no_secret_in_the_logs(folder, start, kube):
    status = start()
    api = kube(status)
    api.pods()
    secrets = [api.token, Path(status.owner_token).read_text(), Path(status.notebook_token).read_text()]
    lifecycle.stop(folder)
    logs = "".join(path.read_text() for path in (folder / "log").iterdir())
    assert "GET /api/v1/namespaces/argovx/pods 200" in logs
    assert not any(secret in logs for secret in secrets)
    assert "eyJ" not in logs


def test_settings_reach_the_status(folder):
    folder.mkdir()
    (folder / "settings.toml").write_text('provisioning_s = 2\nspeed = 4\n[images]\n"acme/x" = "python"\n')
    status = lifecycle.start(folder, user="alice")
    assert status.settings == {
        "images": {"acme/x": "python"},
        "provisioning_s": 2.0,
        "pod_start_s": 0.0,
        "speed": 4.0,
        "quotas": {},
        "argo_crds": "",
    }
