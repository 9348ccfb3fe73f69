"""The log of a group: format, bounds, selection, following."""

from __future__ import annotations

import asyncio
import re

from argovx_lab.sandbox.processes import ProcessGroup, read_log

ENTRY = re.compile(rb"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z (stdout|stderr) [FP] .*")


def text(path, **options) -> bytes:
    async def read():
        return b"".join([piece async for piece in read_log(path, **options)])

    return asyncio.run(read())


def test_entries_are_cri(folder, run, shell):
    group, _ = run(folder, shell("echo out; echo err >&2; printf last"))
    entries = group.log_path.read_bytes().splitlines()
    assert all(ENTRY.fullmatch(entry) for entry in entries)
    assert sorted(b" ".join(entry.split()[1:]) for entry in entries) == [
        b"stderr F err",
        b"stdout F out",
        b"stdout P last",
    ]
    assert sorted(text(group.log_path).split()) == [b"err", b"last", b"out"]


def test_a_long_line_is_cut_in_parts_and_read_whole(folder, run, shell):
    group, _ = run(folder, shell("head -c 50000 /dev/zero | tr '\\0' x; echo; echo next"))
    entries = group.log_path.read_bytes().splitlines()
    assert max(map(len, entries)) < 16 * 1024 + 64
    assert [entry.split(b" ")[2] for entry in entries] == [b"P", b"P", b"P", b"F", b"F"]
    assert text(group.log_path) == b"x" * 50000 + b"\nnext\n"


def test_the_log_is_bounded_and_says_so_and_the_command_goes_on(folder, run, shell):
    group, state = run(
        folder, shell("i=0; while [ $i -lt 2000 ]; do echo line $i; i=$((i+1)); done", log_max_bytes=4096)
    )
    assert state.exit_code == 0
    assert group.log_path.stat().st_size < 4096 + 200
    assert text(group.log_path).endswith(b"[log truncated: more than 4096 bytes]\n")
    assert group.stdout_tail.endswith(b"line 1999\n")


def test_tail_since_and_timestamps(folder, run, shell):
    group, _ = run(folder, shell("for i in 1 2 3 4; do echo $i; done"))
    assert text(group.log_path, tail_lines=2) == b"3\n4\n"
    assert text(group.log_path, tail_lines=0) == b""
    assert text(group.log_path, since_s=3600) == b"1\n2\n3\n4\n"
    assert text(group.log_path, since_s=-1) == b""
    stamped = text(group.log_path, timestamps=True, tail_lines=1)
    assert re.fullmatch(rb"\S+Z 4\n", stamped)


def test_following_sees_lines_as_they_come_and_ends_with_the_group(folder, shell):
    async def script():
        group = await ProcessGroup.start(
            folder, shell("echo one; while [ ! -e /tmp/go ]; do sleep 0.01; done; echo two")
        )
        seen = []
        async for piece in read_log(group.log_path, follow=True, ended=lambda: group.state().ended):
            seen.append(piece)
            group.host_path("/tmp/go").touch()
        return seen

    assert asyncio.run(asyncio.wait_for(script(), 20)) == [b"one\n", b"two\n"]


def test_a_log_that_is_not_there_is_empty(tmp_path):
    assert text(tmp_path / "log") == b""


def test_binary_output_survives(folder, run, shell, until):
    group, _ = run(folder, shell("printf '\\377\\000\\r\\n'"))
    until(lambda: group.state().ended, "end")
    assert text(group.log_path) == b"\xff\x00\r\n"
