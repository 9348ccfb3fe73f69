"""Files and folders: the same content, names and modes; nothing outside of the folder, nothing that is not there."""

from __future__ import annotations

import os
import pathlib
import subprocess
import sys
import tarfile

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from argovx_lab import codecs
from argovx_lab.codecs.unpack import BLOCK
from argovx_lab.errors import CodecError

NAMES = st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="/\0"), min_size=1, max_size=12
).filter(lambda name: name not in (".", ".."))
TREES = st.recursive(
    st.tuples(st.binary(max_size=2000), st.sampled_from([0o644, 0o755, 0o600, 0o444])),
    lambda inner: st.dictionaries(NAMES, inner, max_size=4),
    max_leaves=8,
)


def make(tree, path: pathlib.Path) -> None:
    if isinstance(tree, dict):
        path.mkdir()
        for name, inner in tree.items():
            make(inner, path / name)
    else:
        path.write_bytes(tree[0])
        path.chmod(tree[1])


def seen(path: pathlib.Path):
    if path.is_dir():
        return {name: seen(path / name) for name in sorted(os.listdir(path))}
    return path.read_bytes(), path.stat().st_mode & 0o777


def back(path: pathlib.Path) -> pathlib.Path:
    encoded = codecs.encode(path)
    assert encoded.codec == "path"
    found = codecs.decode(encoded.read(), "path")
    assert type(found) is type(path)
    assert found.name == path.name
    return found


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(tree=TREES, name=NAMES)
def test_any_tree_comes_back_and_equal_trees_have_equal_bytes(tmp_path_factory, tree, name):
    one, other = tmp_path_factory.mktemp("a") / name, tmp_path_factory.mktemp("b") / name
    make(tree, one)
    make(tree, other)
    os.utime(other, (1, 1))
    assert seen(back(one)) == seen(one)
    assert codecs.encode(one).digest == codecs.encode(other).digest


def test_long_names_deep_folders_and_folders_that_forbid_writing(tmp_path):
    root = tmp_path / "root"
    deep = root.joinpath(*["d" * 60 for _ in range(8)])
    deep.mkdir(parents=True)
    (deep / ("ü" * 120)).write_bytes(b"x" * 513)
    (root / "closed").mkdir()
    (root / "closed" / "in").write_text("1")
    (root / "closed").chmod(0o555)
    found = back(root)
    assert seen(found) == seen(root)
    assert (found / "closed").stat().st_mode & 0o777 == 0o555


def test_any_tar_opens_it(tmp_path):
    make({"a": (b"1", 0o755), "ü" * 70: {}}, tmp_path / "r")
    (tmp_path / "x.tar").write_bytes(codecs.encode(tmp_path / "r").read())
    with tarfile.open(tmp_path / "x.tar") as archive:
        members = {m.name: (m.mode, m.mtime, m.uid, m.uname) for m in archive}
    assert members["r/a"] == (0o755, 0, 0, "")
    assert set(members) == {"r", "r/a", "r/" + "ü" * 70}


def test_what_was_read_goes_with_the_process(tmp_path):
    make({"a": {"b": (b"1", 0o444)}}, tmp_path / "r")
    (tmp_path / "r" / "a").chmod(0o555)
    (tmp_path / "x").write_bytes(codecs.encode(tmp_path / "r").read())
    code = f"from argovx_lab import codecs; print(codecs.decode(open({str(tmp_path / 'x')!r}, 'rb'), 'path'))"
    done = subprocess.run(
        [sys.executable, "-W", "ignore", "-c", code], capture_output=True, text=True, check=True
    )
    assert done.stdout.strip().endswith("/r")
    assert not os.path.exists(os.path.dirname(done.stdout.strip()))


def link(root):
    (root / "l").symlink_to("/etc/passwd")


def pipe(root):
    os.mkfifo(root / "p")


def odd(root):
    (pathlib.Path(os.fsdecode(os.fsencode(root) + b"/\xff"))).write_text("")


REFUSED = {"l in it is a link": link, "p in it is a device, a pipe": pipe, "is not UTF-8": odd}


@pytest.mark.parametrize("reason", REFUSED)
def test_what_would_not_come_back_is_refused(reason, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    REFUSED[reason](root)
    with pytest.raises(CodecError, match=reason) as caught:
        codecs.encode(root, name="data")
    assert caught.value.message.startswith("data cannot travel: ")


def test_a_link_the_root_and_what_is_not_there_are_refused(tmp_path):
    (tmp_path / "l").symlink_to(tmp_path)
    for value, reason in [
        (tmp_path / "l", "is a link"),
        (pathlib.Path("/"), "the root"),
        (tmp_path / "no", "no file"),
    ]:
        with pytest.raises(CodecError, match=reason):
            codecs.encode(value)
    with pytest.raises(CodecError, match="path without files"):
        codecs.encode([tmp_path])
    with pytest.raises(CodecError, match="not a pathlib"):
        codecs.encode("x", "path")


def test_a_file_that_grows_while_it_is_read_is_refused(tmp_path, monkeypatch):
    path = tmp_path / "log"
    path.write_bytes(b"x" * 10)
    real = os.fstat

    def stale(number):
        found = real(number)
        with open(path, "ab") as file:
            file.write(b"more")
        return found

    monkeypatch.setattr(os, "fstat", stale)
    with pytest.raises(CodecError, match="changed while it was read"):
        codecs.encode(path)


def head(name, kind=tarfile.REGTYPE, size=0, mode=0o644, link=""):
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode, info.linkname = kind, size, mode, link
    return info.tobuf(tarfile.GNU_FORMAT, "utf-8", "surrogateescape")


END = bytes(2 * BLOCK)
FOLDER = head("r", tarfile.DIRTYPE, mode=0o755)
HOSTILE = {
    "empty": b"",
    "only an end": END,
    "no end": FOLDER,
    "half an end": FOLDER + bytes(BLOCK),
    "tail": FOLDER + END + b"x",
    "noise": os.urandom(4 * BLOCK),
    "up": FOLDER + head("r/../../evil") + END,
    "up at once": head("../evil") + END,
    "absolute": head("/tmp/evil") + END,
    "dot": head(".") + END,
    "other root": FOLDER + head("s") + END,
    "no parent": FOLDER + head("r/x/y") + END,
    "file as parent": head("r") + head("r/x") + END,
    "twice": FOLDER + head("r/a") + head("r/a") + END,
    "symbolic link": FOLDER + head("r/l", tarfile.SYMTYPE, link="/etc") + END,
    "hard link": FOLDER + head("r/l", tarfile.LNKTYPE, link="/etc/passwd") + END,
    "device": FOLDER + head("r/d", tarfile.CHRTYPE) + END,
    "sparse": FOLDER + head("r/s", tarfile.GNUTYPE_SPARSE, 1 << 40) + END,
    "long name of GNU": head("n", tarfile.GNUTYPE_LONGNAME, 5) + b"x" * BLOCK + END,
    "lying size": FOLDER + head("r/big", size=1 << 40) + b"x" * BLOCK + END,
    "huge extended head": head("p", tarfile.XHDTYPE, 1 << 40) + b"x" * BLOCK + END,
    "other record": head("p", tarfile.XHDTYPE, 20)
    + b"20 linkpath=/etc/x1\n".ljust(BLOCK, b"\0")
    + FOLDER
    + END,
    "setuid": FOLDER + head("r/a", mode=0o4755) + END,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_an_archive_that_is_not_ours_writes_nothing_and_leaves_nothing(name, tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "inner"))
    (tmp_path / "inner").mkdir()
    with pytest.raises(CodecError, match="X cannot be read: the bytes are not an archive"):
        codecs.decode(HOSTILE[name], "path", name="X")
    assert [p.name for p in tmp_path.rglob("*")] == ["inner"]
    assert not os.path.exists("/tmp/evil")


def test_an_archive_cut_anywhere_is_refused(tmp_path):
    make({"a": (b"x" * 700, 0o644), "b": {}}, tmp_path / "r")
    data = codecs.encode(tmp_path / "r").read()
    for length in range(0, len(data), 128):
        with pytest.raises(CodecError):
            codecs.decode(data[:length], "path")
