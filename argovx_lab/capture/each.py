"""``--for lr in [0.1, 0.01]``: one step cell for each of several values.

Owns the words after ``--for``: a name, and a list that is written there or a name of one. Refuses anything
that would have to be computed; nothing typed is executed.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from argovx_lab.capture.brackets import outside
from argovx_lab.errors import SpecError

USAGE = "Write it like --for lr in [0.1, 0.01], or --for row in grid."

#: Most members of a fan-out. Reason: they are one DAG of Argo's, which has at most 200 tasks.
MEMBERS_MAX = 200

#: How many members run side by side where nothing is said.
PARALLELISM = 10

_EACH = re.compile(r"\s*(\w+)\s+in\s+(.+?)\s*\Z", re.DOTALL)
_FLAG = re.compile(r"(?:^|\s)--for(?:\s+|=)")


@dataclass(frozen=True)
class Each:
    """What a fan-out runs over.

    Parameters
    ----------
    name : str
        Name in the cell that gets one value after the other.
    values : tuple or None
        The values, where they are written out.
    source : str
        Name that holds them otherwise.
    """

    name: str
    values: tuple[Any, ...] | None = None
    source: str = ""


def cut(flags: str) -> tuple[str, str]:
    """Return the flags without ``--for`` and its words, and these words; they are no shell words.

    Raises
    ------
    SpecError
        When it is given twice.
    """
    begin = _FLAG.search(flags)
    if begin is None:
        return flags, ""
    end = _end(flags, begin.end())
    rest = flags[: begin.start()] + " " * (end - begin.start()) + flags[end:]
    if _FLAG.search(rest):
        raise SpecError("--for is given twice", hint="Loop over a list of tuples or dicts instead.")
    words = flags[begin.end() : end].strip()
    if len(words) > 1 and words[0] in "\"'" and words[-1] == words[0] and words[0] not in words[1:-1]:
        words = words[1:-1]
    if not words:
        raise SpecError("--for needs a value", hint=USAGE)
    return rest, words


def _end(text: str, start: int) -> int:
    """Return where the next flag begins that stands neither in brackets nor in quotation marks."""
    flags = (at for at in outside(text, start) if re.match(r"\s+--[A-Za-z]", text[at:]))
    return next(flags, len(text))


def parse(words: str) -> Each:
    """Read the words after ``--for``.

    Raises
    ------
    SpecError
        For anything but a name and a list or its name.
    """
    match = _EACH.match(words)
    if match is None or not match.group(1).isidentifier() or keyword.iskeyword(match.group(1)):
        raise SpecError(f"--for {words[:60]!r} is no NAME in LIST", hint=USAGE)
    name, text = match.groups()
    if text.isidentifier() and not keyword.iskeyword(text):
        return Each(name, source=text)
    return Each(name, members(name, _values(text)))


def members(name: str, values: Any) -> tuple[Any, ...]:
    """Return the values of a fan-out, in their order.

    Raises
    ------
    SpecError
        When there are none, too many, or it is no list.
    """
    if not isinstance(values, (list, tuple, range)):
        raise SpecError(f"--for {name}: {type(values).__name__} is no list", hint=USAGE)
    if not 1 <= len(values) <= MEMBERS_MAX:
        raise SpecError(
            f"--for {name} has {len(values):,} values; 1 to {MEMBERS_MAX} can run as one fan-out",
            hint="Let one step work on several of them.",
        )
    return tuple(values)


def _values(text: str) -> Sequence[Any]:
    try:
        tree = ast.parse(text, mode="eval").body
        if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name) and tree.func.id == "range":
            if tree.keywords or not 1 <= len(tree.args) <= 3:
                raise ValueError(text)
            return range(*(ast.literal_eval(argument) for argument in tree.args))
        found = ast.literal_eval(tree)
    except (ValueError, SyntaxError, TypeError, RecursionError, MemoryError) as error:
        raise SpecError(f"--for … in {text[:60]!r} is no list of literals", hint=USAGE) from error
    if not isinstance(found, (list, tuple)):
        raise SpecError(f"--for … in {text[:60]!r} is no list", hint=USAGE)
    return found
