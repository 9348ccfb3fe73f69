"""The line after ``%%vertex_step``: signature first, then flags.

Owns flags and their messages. Refuses unknown flags, repeated flags and values that no machine has, each
in one line that shows the allowed ones.
"""

from __future__ import annotations

import difflib
import re
import shlex
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, NamedTuple

from argovx_lab.capture.brackets import outside
from argovx_lab.capture.each import MEMBERS_MAX, Each, cut
from argovx_lab.capture.each import USAGE as EACH_USAGE
from argovx_lab.capture.each import parse as parse_each
from argovx_lab.errors import SpecError
from argovx_lab.model.condition import Condition
from argovx_lab.model.condition import parse as parse_condition
from argovx_lab.model.names import is_step_name

if TYPE_CHECKING:
    from argovx_lab.model.step import Machine

_FLAG = re.compile(r"(?:^|\s)--[A-Za-z]")
_SHELL = re.compile(r"""(?:[^\s"'\\]|\\.|"(?:[^"\\]|\\.)*"|'[^']*')+""", re.DOTALL)
_TIME = re.compile(r"(\d+(?:\.\d+)?)(s|m|h|d)?\Z", re.ASCII)
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}

#: Longest running time of a custom job. Unit: seconds. Source: Vertex AI, Scheduling.timeout, 7 days.
TIMEOUT_MAX_S = 7 * 86400

#: ``read`` uses results that are there, ``refresh`` computes anew and keeps, ``off`` neither reads nor keeps.
CACHE_MODES = ("off", "read", "refresh")

#: Most repeats that Argo is asked for.
RETRIES_MAX = 10


@dataclass(frozen=True)
class Options:
    """What the flags say; ``None`` means the profile's or the spec's default."""

    machine: str = ""
    spot: bool = False
    flex_start: bool = False
    workers: int = 1
    disk_gb: int = 0
    persistent: str = ""
    image: str = ""
    requirements: tuple[str, ...] = ()
    timeout_s: int | None = None
    retries: int | None = None
    dry_run: bool = False
    allow_secret: bool = False
    wait: bool = True
    after: tuple[str, ...] = ()
    when: Condition | None = None
    each: Each | None = None
    parallelism: int | None = None
    here: bool = False
    cache: str = ""


class _Word(NamedTuple):
    """A word of the flags; the column counts from 1 where the signature begins."""

    text: str
    column: int


@dataclass(frozen=True)
class Line:
    """The head as typed (signature) and the options."""

    head: str
    options: Options = field(default_factory=Options)


def parse_line(line: str) -> Line:
    """Split a magic's line into signature and options.

    Raises
    ------
    SpecError
        For anything that is not understood, with the nearest thing that is.
    """
    head = without_flags(line)
    rest, each = cut(line[len(head) :])
    options = _options(_words(rest, len(head)))
    if each:
        options = replace(options, each=parse_each(each))
    elif options.parallelism is not None:
        raise SpecError("--parallelism limits a fan-out, and there is no --for", hint=EACH_USAGE)
    return Line(head.strip(), options)


def machine(options: Options) -> Machine:
    """Return the machine that the flags ask for.

    Raises
    ------
    SpecError
        When Vertex does not offer it, with the nearest that it does.
    """
    from argovx_lab.model.step import Machine
    from argovx_lab.vertex.capacity import with_capacity
    from argovx_lab.vertex.catalog import parse_machine

    return with_capacity(
        parse_machine(options.machine) if options.machine else Machine(),
        spot=options.spot,
        flex_start=options.flex_start,
        workers=options.workers,
        disk_gb=options.disk_gb,
        persistent=options.persistent,
    )


def without_flags(line: str) -> str:
    """Return the part of a magic's line before its first flag; a value in the signature may look like one."""
    last = -1
    for last in outside(line + " "):
        if _FLAG.match(line, last):
            return line[:last]
    match = (
        None if last == len(line) else _FLAG.search(line)
    )  # something is not closed: the signature says so
    return line[: match.start()] if match else line


def _words(text: str, offset: int) -> deque[_Word]:
    """Split the flags as a shell does."""
    try:
        texts = shlex.split(text)
    except ValueError as error:
        raise SpecError(f"the flags cannot be read: {error}", hint="Close the quotation mark.") from error
    return deque(_Word(t, m.start() + offset + 1) for t, m in zip(texts, _SHELL.finditer(text), strict=True))


def _options(queue: deque[_Word]) -> Options:
    values: dict[str, Any] = {}
    while queue:
        word = queue.popleft()
        try:
            _option(word.text, queue, values)
        except SpecError as error:
            raise SpecError(f"column {word.column}: {error.message}", hint=error.hint) from error
    return Options(**values)


def _option(text: str, queue: deque[_Word], values: dict[str, Any]) -> None:
    """Read one flag, with its value from the queue, into ``values``."""
    flag, joined, value = text.partition("=")
    if flag not in _FLAGS:
        raise _unknown(flag)
    name, read = _FLAGS[flag]
    if name in values:
        raise SpecError(f"{flag} is given twice", hint="Give it once.")
    if read is None:
        if joined:
            raise SpecError(f"{flag} takes no value")
        values[name] = name != "wait"
        return
    if not joined:
        if not queue or queue[0].text.startswith("--"):
            raise SpecError(f"{flag} needs a value", hint=USAGE)
        value = queue.popleft().text
    values[name] = read(value)


def _unknown(flag: str) -> SpecError:
    if not flag.startswith("--"):
        return SpecError(f"{flag!r} stands where a flag is expected", hint=USAGE)
    near = difflib.get_close_matches(flag, FLAGS.values(), n=1)
    hint = f"Did you mean {near[0]}?" if near else f"Flags are: {', '.join(FLAGS.values())}."
    return SpecError(f"unknown flag {flag}", hint=hint)


def _timeout(text: str) -> int:
    match = _TIME.match(text)
    seconds = float(match.group(1)) * _UNITS[match.group(2) or "s"] if match else 0.0
    if not 1 <= seconds <= TIMEOUT_MAX_S:
        raise SpecError(
            f"--timeout {text!r} is not a time from 1s to 7d", hint="Write it like 90s, 30m or 2h."
        )
    return int(seconds)


def _retries(text: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text) or int(text) > RETRIES_MAX:
        raise SpecError(f"--retries {text!r} is not a number from 0 to {RETRIES_MAX}")
    return int(text)


def _requirements(text: str) -> tuple[str, ...]:
    from argovx_lab.capture.environment import pinned

    return pinned(text.replace(",", " ").split())


def _cache(text: str) -> str:
    if text not in CACHE_MODES:
        near = difflib.get_close_matches(text, CACHE_MODES, n=1)
        raise SpecError(
            f"--cache {text[:40]!r} is not one of {', '.join(CACHE_MODES)}",
            hint=f"Did you mean --cache {near[0]}?" if near else "read is the default.",
        )
    return text


def _text(text: str) -> str:
    return text


def _after(text: str) -> tuple[str, ...]:
    found = tuple(part.strip() for part in text.split(","))
    for name in found:
        if not is_step_name(name):
            raise SpecError(
                f"--after {name[:60]!r} cannot name a step", hint="Write it like --after prepare,clean."
            )
    return tuple(dict.fromkeys(found))


def _parallelism(text: str) -> int:
    if not re.fullmatch("[0-9]{1,3}", text, re.ASCII) or not 1 <= int(text) <= MEMBERS_MAX:
        raise SpecError(f"--parallelism {text[:40]!r} is not a number from 1 to {MEMBERS_MAX}")
    return int(text)


def _whole(flag: str, example: str) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch("[0-9]{1,6}", text, re.ASCII):
            raise SpecError(f"{flag} {text[:40]!r} is not a number", hint=f"Write it like {flag} {example}.")
        return int(text)

    return read


_FLAGS: dict[str, tuple[str, Callable[[str], Any] | None]] = {
    "--on": ("machine", _text),
    "--spot": ("spot", None),
    "--flex-start": ("flex_start", None),
    "--workers": ("workers", _whole("--workers", "4")),
    "--disk": ("disk_gb", _whole("--disk", "200")),
    "--persistent": ("persistent", _text),
    "--image": ("image", _text),
    "--requirements": ("requirements", _requirements),
    "--timeout": ("timeout_s", _timeout),
    "--retries": ("retries", _retries),
    "--allow-secret": ("allow_secret", None),
    "--dry-run": ("dry_run", None),
    "--no-wait": ("wait", None),
    "--after": ("after", _after),
    "--when": ("when", parse_condition),
    "--parallelism": ("parallelism", _parallelism),
    "--here": ("here", None),
    "--cache": ("cache", _cache),
}

#: Field of the options → its flag.
FLAGS = {"each": "--for", **{name: flag for flag, (name, _) in _FLAGS.items()}}

USAGE = (
    "%%vertex_step NAME[(inputs)] [-> outputs] [--on MACHINE[+ACCELERATOR[*N]]] [--spot | --flex-start]"
    " [--workers N] [--disk GB] [--persistent NAME] [--image REF]"
    ' [--requirements "NAME==VERSION …"] [--timeout 2h] [--retries N] [--allow-secret]'
    ' [--after STEPS] [--when "STEP.NAME > 1"] [--for NAME in LIST] [--parallelism N]'
    " [--cache off|read|refresh] [--dry-run] [--no-wait] [--here]"
)
