"""What a group sees of the file system, and where the machine keeps it."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.processes import Mount, isolation

pytestmark = pytest.mark.skipif(isolation() == "none", reason="no namespaces on this machine")


def test_tmp_is_its_own(folder, isolated, tmp_path, run, shell):
    group, state = run(folder, shell("ls /tmp; echo mine > /tmp/argovx-mine"))
    seen = set(group.stdout_tail.decode().split())
    assert (state.exit_code, seen - _of_this_python()) == (0, set())
    assert group.host_path("/tmp/argovx-mine").read_text() == "mine\n"
    assert not Path("/tmp/argovx-mine").exists()


def _of_this_python():
    """Return the folder of /tmp that this Python lies in, which every group may see."""
    prefix = Path(sys.prefix)
    return {prefix.relative_to("/tmp").parts[0]} if prefix.is_relative_to("/tmp") else set()


def test_targets_need_not_exist(folder, isolated, tmp_path, run, shell):
    volume, note = tmp_path / "volume", tmp_path / "note"
    volume.mkdir()
    note.touch()
    mounts = (
        Mount(str(volume), "/var/run/argo"),
        Mount(str(note), "/dev/termination-log"),
        Mount(str(volume), "/argovx-not-there/deep/er"),
        Mount(str(volume), "/etc/argovx-not-there/x"),
    )
    line = "echo a > /var/run/argo/a; echo why > /dev/termination-log; cat /argovx-not-there/deep/er/a;"
    line += "echo x > /dev/null; cat /etc/argovx-not-there/x/a /etc/hostname"
    group, state = run(folder, shell(line, mounts=mounts))
    assert state.exit_code == 0, group.log_path.read_text()
    assert group.stdout_tail.startswith(b"a\na\n")
    assert note.read_text() == "why\n"
    assert group.host_path("/run/argo/a") == volume / "a"
    assert group.host_path("/var/run/argo/a") == volume / "a"
    for path in ("/run/argo", "/argovx-not-there", "/etc/argovx-not-there"):
        assert not Path(path).exists(), "the machine itself is untouched"


def test_read_only_is_read_only(folder, isolated, tmp_path, run, shell):
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret" / "a").write_text("a")
    group, state = run(
        folder,
        shell(
            "cat /sec/a; echo b > /sec/b", mounts=(Mount(str(tmp_path / "secret"), "/sec", read_only=True),)
        ),
    )
    assert group.stdout_tail == b"a"
    assert state.exit_code != 0
    assert not (tmp_path / "secret" / "b").exists()


def test_the_root_is_its_own(folder, isolated, run, shell):
    group, state = run(folder, shell("echo r > /result.txt; pwd"))
    assert (state.exit_code, group.stdout_tail) == (0, b"/\n")
    assert group.host_path("/result.txt").read_text() == "r\n"
    assert not Path("/result.txt").exists()


def test_links_are_followed_as_the_group_would(folder, isolated, run, shell):
    group, state = run(
        folder, shell("mkdir /tmp/d; echo 1 > /tmp/d/a; ln -s /tmp/d /tmp/l; ln -s d/a /tmp/m")
    )
    assert state.exit_code == 0
    assert group.host_path("/tmp/l/a").read_text() == "1\n"
    assert group.host_path("/tmp/m").read_text() == "1\n"
    assert group.host_path("/etc/passwd") == Path("/etc/passwd")


def test_a_mount_below_another_and_into_tmp(folder, isolated, tmp_path, run, shell):
    (tmp_path / "outer").mkdir()
    (tmp_path / "inner").write_text("i")
    mounts = (Mount(str(tmp_path / "inner"), "/work-x/sub/file"), Mount(str(tmp_path / "outer"), "/work-x"))
    mounts += (Mount(str(tmp_path / "inner"), str(tmp_path / "inner")),)
    group, state = run(folder, shell(f"cat /work-x/sub/file {tmp_path}/inner", mounts=mounts))
    assert group.stdout_tail == b"ii", group.log_path.read_text()
    assert state.exit_code == 0


def test_a_source_that_is_not_there_is_said(folder, isolated, run, shell):
    _, state = run(folder, shell("true", mounts=(Mount("/no/such/source", "/x"),)))
    assert state.exit_code == 127
    assert "mount source /no/such/source does not exist" in state.error


def test_a_file_over_a_folder_is_refused(folder, isolated, run, shell):
    _, state = run(folder, shell("true", mounts=(Mount("/etc/passwd", "/etc"),)))
    assert state.exit_code == 127
    assert "not both files or both directories" in state.error


@pytest.fixture
def _nothing(monkeypatch):
    monkeypatch.setattr("argovx_lab.sandbox.processes.group.isolation", lambda: "none")


@pytest.mark.usefixtures("_nothing")
def test_without_namespaces_a_mount_elsewhere_is_refused_with_the_reason(folder, tmp_path, run, shell):
    with pytest.raises(SandboxError, match="no namespace of their own") as caught:
        run(folder, shell("true", mounts=(Mount(str(tmp_path), "/var/run/argo"),)))
    assert "user namespaces" in caught.value.hint
    assert not folder.exists()


@pytest.mark.usefixtures("_nothing")
def test_without_namespaces_the_rest_works(folder, tmp_path, run, shell):
    group, state = run(folder, shell("echo $TMPDIR; pwd", mounts=(Mount(str(tmp_path), str(tmp_path)),)))
    assert state.exit_code == 0
    assert group.stdout_tail.decode() == f"{folder}/tmp\n/\n"
    assert group.host_path("/tmp/argovx-mine") == Path("/tmp/argovx-mine")
