"""``%argovx dataset``: put, list, show, diff, alias.

Owns the words and what they print. A version never changes; an alias does, and says when and by whom. Who may
not write gets one line with the grant that is missing.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import IO, Any, cast

from argovx_lab import codecs
from argovx_lab.codecs import size_text
from argovx_lab.errors import PermissionMissing, SpecError
from argovx_lab.model import dataset, grants
from argovx_lab.model.dataset_records import File, Manifest
from argovx_lab.notebook import words
from argovx_lab.notebook.putting import PATH, refuse_secrets, take
from argovx_lab.notebook.session import Session
from argovx_lab.runs.words import local_time
from argovx_lab.storage.datasets import Datasets
from argovx_lab.wiring import Services

USAGE = (
    "Write: %argovx dataset put NAME PATH|VARIABLE|gs://… [--codec CODEC] | list | show NAME[@VERSION]"
    " | diff NAME@1 NAME@2 | alias NAME@VERSION ALIAS"
)

#: Most lines that show and diff print of a version's files.
LINES_MAX = 40

#: How many arguments each word takes.
_WORDS = {"put": 2, "list": 0, "show": 1, "diff": 2, "alias": 2}

_WRITES = ("storage.objects.create", "storage.objects.get", "storage.objects.list", "storage.objects.delete")


def command(session: Session, shell: Any, line: str) -> list[str]:
    """Run one ``%argovx dataset`` line; returns what is shown.

    Raises
    ------
    ArgovxError
        One line and a hint; no version and no alias has changed then, except where it says so.
    """
    typed = words.read(line, values=("--codec",), switches=("--allow-secret",), usage=USAGE)
    if not typed.words:
        raise SpecError("%argovx dataset needs a word", hint=USAGE)
    word, *given = typed.words
    if word.text not in _WORDS:
        raise words.unknown(word, "%argovx dataset does not know", _WORDS)
    if len(given) != _WORDS[word.text]:
        raise words.at(word, f"dataset {word.text} takes {_WORDS[word.text] or 'no'} arguments", USAGE)
    flag = next(iter([*typed.values, *typed.switches]), "")
    if flag and word.text != "put":
        raise words.at(word, f"dataset {word.text} takes no {flag}", USAGE)
    session.begin()
    texts = [one.text for one in given]
    if word.text == "put":
        allowed = "--allow-secret" in typed.switches
        return _put(session, shell.user_ns, *texts, codec=typed.value("--codec"), allowed=allowed)
    acts: dict[str, Callable[..., list[str]]] = {"list": _list, "show": _show, "diff": _diff, "alias": _alias}
    return acts[word.text](session, *texts)


def datasets(services: Services) -> Datasets:
    """Return the datasets of a profile's bucket."""
    profile = services.profile
    return Datasets(services.objects, profile.layout, by=profile.user, now=_now)


def load(store: Datasets, manifest: Manifest) -> Any:
    """Return the value of a version, after its bytes were checked.

    Raises
    ------
    CodecError
        When this Python cannot read it.
    """
    with tempfile.TemporaryFile() as file:
        store.download(manifest, file)
        file.seek(0)
        return codecs.decode(cast("IO[bytes]", file), manifest.codec, name=manifest.name)


def about(manifest: Manifest) -> str:
    """Return what a version is, in one line."""
    count = f"{len(manifest.files)} files" if len(manifest.files) > 1 else ""
    parts = (manifest.summary, count, size_text(manifest.size_bytes))
    return " · ".join(part for part in parts if part)


def _put(
    session: Session, namespace: Mapping[str, Any], name: str, what: str, *, codec: str, allowed: bool
) -> list[str]:
    dataset.check_name(name)
    store = datasets(session.services)
    with take(session.services.objects, what, codec, namespace) as taken:
        refuse_secrets(taken.content, allowed=allowed)
        try:
            version, new = store.put(name, taken.content, taken.source)
        except PermissionMissing as error:
            raise _not_allowed(session, error) from error
    found = store.manifest(version)
    said = f"{version.text} · {about(found)} · {found.codec} · {version.manifest[:12]}…"
    if not new:
        return [f"{said} · the same was put by {version.by}, {local_time(version.at)}: no new version"]
    return [said]


def _list(session: Session) -> list[str]:
    store = datasets(session.services)
    lines = []
    for name in store.names():
        numbers = store.numbers(name)
        if not numbers:
            continue
        newest = store.version(name, numbers[-1])
        aliases = [f"{alias} → {found.number}" for alias, found in store.aliases.all(name).items()]
        count = f"{len(numbers)} version{'s' if len(numbers) > 1 else ''}"
        parts = (newest.text, count, f"{local_time(newest.at)} by {newest.by}", ", ".join(aliases))
        lines.append(" · ".join(part for part in parts if part))
    return lines or ["No datasets yet. Put one: %argovx dataset put NAME PATH"]


def _show(session: Session, text: str) -> list[str]:
    store, wanted = datasets(session.services), dataset.parse(text)
    if wanted.text == wanted.name:
        return _versions(store, wanted.name)
    version = store.find(wanted)
    found = store.manifest(version)
    lines = [
        f"{version.text} · {about(found)}",
        f"  manifest {version.manifest}",
        f"  bytes    {found.digest} · generation {found.generation} · {found.codec}",
        f"  put      {local_time(version.at)} by {version.by} · {version.source}",
    ]
    return [*lines, *_cut([f"  file     {_file(file)}" for file in found.files])]


def _versions(store: Datasets, name: str) -> list[str]:
    numbers = store.numbers(name)
    store.find(dataset.Wanted(name))  # says what there is when there is none
    lines = []
    for number in numbers:
        version = store.version(name, number)
        parts = (version.text, f"{version.manifest[:12]}…", f"{local_time(version.at)} by {version.by}")
        lines.append(" · ".join((*parts, version.source)))
    for alias, found in store.aliases.all(name).items():
        lines.append(f"{name}@{alias} → {found.number}")
        for move in reversed(found.history):
            before = f"from {move.before} to" if move.before else "made at"
            lines.append(f"  {local_time(move.at)} by {move.by}: {before} {move.after}")
    return lines


def _diff(session: Session, one: str, other: str) -> list[str]:
    from argovx_lab.notebook.compare import READ_MAX, differences

    store = datasets(session.services)
    old, new = (store.find(dataset.parse(text)) for text in (one, other))
    before, after = store.manifest(old), store.manifest(new)
    head = f"{old.text} → {new.text}"
    if before.digest == after.digest and before.codec == after.codec:
        return [f"{head}: the same bytes, {before.digest[:12]}…"]
    lines = [f"{head}: {about(before)} → {about(after)}"]
    if before.codec != after.codec:
        return [*lines, f"  codec {before.codec} → {after.codec}"]
    if before.codec == PATH:
        return [*lines, *_cut(_files(before.files, after.files))]
    if max(before.size_bytes, after.size_bytes) > READ_MAX:
        return [*lines, f"  larger than {size_text(READ_MAX)}: the values were not compared"]
    found = differences(load(store, before), load(store, after))
    return [*lines, *(f"  {text}" for text in found or ("the values are equal; their bytes are not",))]


def _alias(session: Session, text: str, alias: str) -> list[str]:
    store, wanted = datasets(session.services), dataset.parse(text)
    version = store.find(wanted)
    store.manifest(version)
    try:
        found, moved = store.aliases.move(version.name, alias, version)
    except PermissionMissing as error:
        raise _not_allowed(session, error) from error
    before = found.history[-1].before if found.history else 0
    if not moved:
        return [f"{version.name}@{alias} is {version.text} already"]
    return [f"{version.name}@{alias} is {version.text} now" + (f"; it was {before}" if before else "")]


def _not_allowed(session: Session, error: PermissionMissing) -> PermissionMissing:
    """Return the error with the grant that is missing; a bounded token needs another profile."""
    profile, layout = session.profile, session.profile.layout
    if profile.downscope:
        hint = "This profile's token only reads datasets (downscope = true): put with another profile."
    else:
        member = session.services.principal().google or "PRINCIPAL"
        hint = grants.folder_grant(layout.bucket, layout.datasets, member, _WRITES)
    return PermissionMissing(f"you may not put datasets: {error.message}", hint=hint)


def _files(before: tuple[File, ...], after: tuple[File, ...]) -> list[str]:
    old, new = ({file.name: file for file in files} for files in (before, after))
    lines = [f"  - {_file(old[name])}" for name in old if name not in new]
    lines += [f"  + {_file(new[name])}" for name in new if name not in old]
    lines += [
        f"  ~ {name} · {size_text(old[name].size_bytes)} → {size_text(new[name].size_bytes)}"
        for name in new
        if name in old and old[name].digest != new[name].digest
    ]
    return lines or ["  the same files; their permissions or the folder's name differ"]


def _file(file: File) -> str:
    return f"{file.name} · {size_text(file.size_bytes)} · {file.digest[:12]}…"


def _cut(lines: list[str]) -> list[str]:
    more = len(lines) - LINES_MAX
    return [*lines[:LINES_MAX], f"  … and {more} more"] if more > 0 else lines


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}"
