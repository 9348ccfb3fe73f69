"""Settings, state folder, ports, certificates, identity: each on its own."""

from __future__ import annotations

import json
import socket
import ssl
import stat
import time

import pytest

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox import identity, ports, settings, tls
from argovx_lab.sandbox.state import StateDir, write_private


@pytest.fixture
def state(tmp_path):
    made = StateDir(tmp_path / "state")
    made.make()
    return made


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("speed = 0", "speed must be above 0"),
        ("provisioning_s = -1", "provisioning_s must be a number of at least 0"),
        ("pod_start_s = true", "pod_start_s must be a number"),
        ("images = 3", "images must be a table"),
        ("colour = 'red'", "unknown setting colour"),
        ("speed = ", "is not TOML"),
    ],
)
def test_settings_that_are_none_are_refused(tmp_path, text, said):
    (tmp_path / "settings.toml").write_text(text)
    with pytest.raises(SandboxError, match=said):
        settings.load(tmp_path / "settings.toml")


def test_settings_have_defaults_and_the_template_is_them(tmp_path):
    assert settings.load(tmp_path / "none.toml") == settings.Settings()
    (tmp_path / "settings.toml").write_text(settings.TEMPLATE)
    assert settings.load(tmp_path / "settings.toml") == settings.Settings()


def test_every_setting_is_explained_in_the_template():
    for name in settings.Settings().to_dict():
        assert name in settings.TEMPLATE


def test_private_files_replace_whole(tmp_path):
    path = tmp_path / "deep" / "file"
    write_private(path, "one")
    write_private(path, "two")
    assert path.read_text() == "two"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert [entry.name for entry in path.parent.iterdir()] == ["file"]


def test_a_disk_that_refuses_is_said(tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(SandboxError, match="cannot write"):
        write_private(tmp_path / "file" / "x", "text")


def test_the_lock_is_for_one(state):
    import os

    assert state.holder() == 0
    with state.locked():
        assert state.holder() == os.getpid()
        with pytest.raises(SandboxError, match="another sandbox server"), state.locked():
            pass
    assert state.holder() == 0


def test_a_damaged_discovery_file_is_said(state):
    assert state.read_status() is None
    state.discovery.write_text('{"pid": 1}')
    with pytest.raises(SandboxError, match="damaged or of another version"):
        state.read_status()


def test_ports_are_chosen_once(state):
    first, sockets = ports.listen(state.ports)
    for bound in sockets.values():
        assert bound.getsockname()[0] == "127.0.0.1"
        assert bound.proto == socket.IPPROTO_TCP, "asyncio sets TCP_NODELAY on such sockets only"
        bound.close()
    second, sockets = ports.listen(state.ports)
    for bound in sockets.values():
        bound.close()
    assert first == second
    assert len(set(json.loads(state.ports.read_text()).values())) == 4


def test_certificates_are_made_once_and_good_for_googles_names(state):
    tls.ensure(state)
    before = {path.name: path.read_bytes() for path in state.tls.iterdir()}
    tls.ensure(state)
    assert {path.name: path.read_bytes() for path in state.tls.iterdir()} == before
    client, server = ssl.create_default_context(cafile=str(state.ca)), tls.context(state)
    client.set_alpn_protocols(["h2"])
    for name in ("localhost", "127.0.0.1", "us-central1-aiplatform.googleapis.com", "storage.googleapis.com"):
        assert _handshake(client, server, name) == "h2"
    with pytest.raises(ssl.SSLCertVerificationError):
        _handshake(client, server, "example.com")
    assert state.ca_bundle.read_bytes().endswith(state.ca.read_bytes())
    assert state.ca_bundle.read_bytes().count(b"BEGIN CERTIFICATE") > 50


def _handshake(client: ssl.SSLContext, server: ssl.SSLContext, name: str) -> str | None:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = client.wrap_bio(to_client, to_server, server_hostname=name)
    theirs = server.wrap_bio(to_server, to_client, server_side=True)
    pending = [ours, theirs]
    while pending:
        for side in list(pending):
            try:
                side.do_handshake()
                pending.remove(side)
            except ssl.SSLWantReadError:
                continue
    return ours.selected_alpn_protocol()


def test_identity_is_kept(state):
    first = identity.load(state, "alice")
    assert identity.load(state, "alice") == first == identity.load(state, "")
    assert first.audience.startswith("//iam.googleapis.com/projects/418253107624/")
    with pytest.raises(SandboxError, match="belongs to user 'alice'"):
        identity.load(state, "bob")


@pytest.mark.parametrize("user", ["", "Alice", "1a", "a_b", "a" * 31, "a-"])
def test_users_that_cannot_name_accounts_are_refused(state, user):
    with pytest.raises(SandboxError, match="cannot name accounts"):
        identity.load(state, user)


def test_a_server_that_was_killed_does_not_run_although_it_is_still_there():
    import subprocess

    from argovx_lab.sandbox import lifecycle

    child = subprocess.Popen(["sleep", "60"])
    assert not lifecycle._dying(child.pid)
    child.kill()
    deadline = time.monotonic() + 10
    while not lifecycle._dying(child.pid):  # not reaped yet: a zombie
        assert time.monotonic() < deadline
    child.wait()
    assert lifecycle._dying(child.pid)
