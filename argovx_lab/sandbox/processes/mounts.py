"""The file system that one process group sees: the machine's own, plus what only this group has.

Owns the plan (which host directories stay bound as they are, which are opened so that new names can
appear in them) and the system calls that carry it out. Refuses to follow a mount whose kind does not
fit its target. Standard library only and free of package imports, because the supervisor loads this
file alone, under ``python -I -S``.

The root is the folder ``root`` of the process group. Every top-level entry of the machine is bound
into it. A directory in which a mount target is missing is *opened*: it becomes a plain directory of
ours whose entries are bound one by one, so the target can be created beside them without touching
the machine.

Source: mount_namespaces(7), user_namespaces(7), pivot_root(2), mount(2).
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterable
from typing import Any

CLONE_NEWNS = 0x00020000
CLONE_NEWUSER = 0x10000000
MS_RDONLY, MS_REMOUNT, MS_BIND, MS_REC, MS_SLAVE = 1, 32, 4096, 16384, 1 << 19
MNT_DETACH = 2
#: The folder that each group has for itself.
TMP = "/tmp"  # noqa: S108  named, not used: each group gets its own
#: Mount flags that a bind made in a user namespace may not lose. Source: mount_namespaces(7).
_LOCKED = {os.ST_NOSUID: 2, os.ST_NODEV: 4, os.ST_NOEXEC: 8, os.ST_NOATIME: 1024, os.ST_NODIRATIME: 2048}

_libc = ctypes.CDLL(None, use_errno=True)


def _call(name: str, *args: Any) -> None:
    if getattr(_libc, name)(*args) != 0:
        code = ctypes.get_errno()
        shown = [a.decode(errors="replace") for a in args if isinstance(a, bytes)]
        raise OSError(code, f"{name} {' '.join(shown)}: {os.strerror(code)}")


def _mount(source: str, target: str, flags: int) -> None:
    _call("mount", os.fsencode(source), os.fsencode(target), None, ctypes.c_ulong(flags), None)


def enter(mode: str) -> None:
    """Move this process into a namespace of its own; ``mode`` is ``mount`` (root) or ``user``."""
    uid, gid = os.getuid(), os.getgid()
    if mode == "user":
        _call("unshare", CLONE_NEWUSER | CLONE_NEWNS)
        for name, text in (
            ("setgroups", "deny"),
            ("uid_map", f"{uid} {uid} 1"),
            ("gid_map", f"{gid} {gid} 1"),
        ):
            with open("/proc/self/" + name, "w") as file:
                file.write(text)
    else:
        _call("unshare", CLONE_NEWNS)
    _mount("none", "/", MS_REC | MS_SLAVE)


def resolve(target: str, private_tmp: bool) -> str:
    """Return a mount target with the machine's own symbolic links followed (``/var/run`` → ``/run``)."""
    target = os.path.normpath(target)
    return target if private_tmp and inside(target, TMP) else os.path.realpath(target)


def inside(path: str, folder: str) -> bool:
    """Tell whether ``path`` is ``folder`` or below it."""
    return path == folder or path.startswith(folder.rstrip("/") + "/")


def opened(targets: Iterable[str], private_tmp: bool) -> set[str]:
    """Return the host directories that must be opened so that every target can be created."""
    result = {"/"}
    for target in targets:
        if os.path.lexists(target) or (private_tmp and inside(target, TMP)):
            continue
        parent = os.path.dirname(target)
        while not os.path.isdir(parent):
            parent = os.path.dirname(parent)
        while parent != "/":
            result.add(parent)
            parent = os.path.dirname(parent)
    return result


def _point(path: str, *, directory: bool) -> None:
    """Create a mount point."""
    if directory:
        os.makedirs(path, exist_ok=True)
    elif not os.path.lexists(path):
        os.makedirs(os.path.dirname(path), exist_ok=True)
        os.close(os.open(path, os.O_CREAT | os.O_WRONLY | os.O_CLOEXEC, 0o644))


def _fill(root: str, folder: str, open_dirs: set[str], private_tmp: bool) -> None:
    """Bind every entry of the host directory ``folder`` into the same place below ``root``."""
    own = os.path.dirname(root)
    # The directory that holds our own root goes first, while nothing is mounted there yet.
    entries = sorted(os.scandir(folder), key=lambda entry: not inside(own, entry.path))
    for entry in entries:
        if private_tmp and entry.path == TMP:
            continue
        place = root + entry.path
        if entry.is_symlink():
            if not os.path.lexists(place):
                os.symlink(os.readlink(entry.path), place)
            continue
        directory = entry.is_dir(follow_symlinks=False)
        _point(place, directory=directory)
        if entry.path in open_dirs:
            _fill(root, entry.path, open_dirs, private_tmp)
        else:
            _mount(entry.path, place, MS_BIND | MS_REC)


def _bind(source: str, place: str, read_only: bool) -> None:
    if not os.path.exists(source):
        raise FileNotFoundError(2, f"mount source {source} does not exist")
    directory = os.path.isdir(source)
    _point(place, directory=directory)
    if os.path.isdir(place) != directory:
        raise OSError(20, f"mount source {source} and its target are not both files or both directories")
    _mount(source, place, MS_BIND | MS_REC)
    if read_only:
        has = os.statvfs(place).f_flag
        locked = sum(flag for bit, flag in _LOCKED.items() if has & bit)
        _mount("none", place, MS_BIND | MS_REMOUNT | MS_RDONLY | locked)


def build(folder: str, mounts: list[dict[str, Any]], private_tmp: bool) -> None:
    """Build the group's file system below ``folder/root`` and make it this process's root.

    Parameters
    ----------
    folder : str
        The process group's folder, absolute.
    mounts : list of dict
        ``source``, ``target``, ``read_only``; a target need not exist on the machine.
    private_tmp : bool
        ``/tmp`` becomes ``folder/tmp``.
    """
    root = os.path.join(folder, "root")
    os.makedirs(root, exist_ok=True)
    _mount(root, root, MS_BIND | MS_REC)
    plan = sorted((resolve(m["target"], private_tmp), m["source"], bool(m["read_only"])) for m in mounts)
    _fill(root, "/", opened([target for target, _, _ in plan], private_tmp), private_tmp)
    if private_tmp:
        _bind(os.path.join(folder, "tmp"), root + TMP, False)
    for target, source, read_only in plan:
        _bind(source, root + target, read_only)
    os.chdir(root)
    _call("pivot_root", b".", b".")
    _call("umount2", b".", MNT_DETACH)
    os.chdir("/")


def _locate(folder: str, spec: dict[str, Any], plan: list[tuple[str, str]], path: str) -> str:
    """Return the machine's place of one path whose parents hold no symbolic link."""
    for target, source in reversed(plan):
        if inside(path, target):
            return source + path[len(target) :]
    if spec["private_tmp"] and inside(path, TMP):
        return folder + path
    open_dirs = opened([target for target, _ in plan], spec["private_tmp"])
    step = ""
    for part in path.strip("/").split("/"):
        if (step or "/") not in open_dirs:
            return path
        step += "/" + part
        if not os.path.lexists(step):
            return folder + "/root" + path
    return path


def translated(word: str, paths: dict[str, str]) -> str:
    """Return ``word`` with the longest path of the table that it equals or lies below replaced."""
    for target, source in sorted(paths.items(), key=lambda item: -len(item[0])):
        if inside(word, target):
            return source + word[len(target) :]
    return word


def host_path(folder: str, spec: dict[str, Any], path: str) -> str:
    """Return where the machine keeps what a group sees as ``path``, following links as the group would."""
    if spec["namespace"] == "none":
        return translated(path, spec["paths"])
    plan = sorted((resolve(m["target"], spec["private_tmp"]), m["source"]) for m in spec["mounts"])
    todo, here, links = os.path.normpath(path).strip("/").split("/"), "/", 0
    while todo:
        here = os.path.normpath("/".join((here.rstrip("/"), todo.pop(0))))
        place = _locate(folder, spec, plan, here)
        if os.path.islink(place):
            links += 1
            if links > 40:
                raise OSError(40, f"too many symbolic links: {path}")
            link = os.readlink(place)
            todo = link.strip("/").split("/") + todo
            here = "/" if link.startswith("/") else os.path.dirname(here)
    return _locate(folder, spec, plan, here)
