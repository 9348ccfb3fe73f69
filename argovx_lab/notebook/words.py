"""The words of a ``%argovx`` line with their columns, so that a mistake can be pointed at.

Owns quoting: as in a shell, without expansion. Refuses a quotation mark that is not closed.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from argovx_lab.errors import SpecError

_WORD = re.compile(r"""(?:[^\s"']+|"[^"]*"|'[^']*')+""")

#: What stands in front of the line that a magic is given. Unit: characters.
BEFORE = len("%argovx ")


@dataclass(frozen=True)
class Word:
    """One word without its quotation marks; ``column`` counts from 1 at the ``%``."""

    text: str
    column: int
    quoted: bool = False


@dataclass
class Typed:
    """A line taken apart: plain words, flags with values, switches."""

    words: list[Word] = field(default_factory=list)
    values: dict[str, list[Word]] = field(default_factory=dict)
    switches: dict[str, Word] = field(default_factory=dict)

    def value(self, flag: str) -> str:
        """Return the text of a flag; empty when it was not given."""
        given = self.values.get(flag)
        return given[-1].text if given else ""


def words(line: str) -> list[Word]:
    """Split a line.

    Raises
    ------
    SpecError
        For a quotation mark that is not closed.
    """
    found = []
    end = 0
    for match in _WORD.finditer(line):
        _closed(line[end : match.start()], end)
        raw, end = match.group(), match.end()
        found.append(
            Word(re.sub(r"\"([^\"]*)\"|'([^']*)'", _inside, raw), match.start() + BEFORE + 1, raw[0] in "\"'")
        )
    _closed(line[end:], end)
    return found


def read(
    line: str,
    *,
    values: Iterable[str] = (),
    switches: Iterable[str] = (),
    repeated: Iterable[str] = (),
    usage: str,
) -> Typed:
    """Take a line apart into plain words and flags.

    Parameters
    ----------
    values, switches, repeated : iterable of str
        Flags that need a value, that have none, and those of the first that may be given several times.

    Raises
    ------
    SpecError
        With the column, for anything else.
    """
    with_value, without = tuple(values), tuple(switches)
    typed, queue = Typed(), words(line)
    while queue:
        word = queue.pop(0)
        if word.quoted or not word.text.startswith("--"):
            typed.words.append(word)
            continue
        flag, joined, value = word.text.partition("=")
        if flag in typed.switches or (flag in typed.values and flag not in repeated):
            raise at(word, f"{flag} is given twice", "Give it once.")
        if flag in without and not joined:
            typed.switches[flag] = word
        elif flag in with_value:
            if not joined and (not queue or queue[0].text.startswith("--")):
                raise at(word, f"{flag} needs a value", usage)
            given = Word(value, word.column + len(flag) + 1) if joined else queue.pop(0)
            typed.values.setdefault(flag, []).append(given)
        else:
            raise at(word, f"unknown flag {word.text}", _near(flag, (*with_value, *without), usage))
    return typed


def at(word: Word, message: str, hint: str = "") -> SpecError:
    """Return an error that names the column of a word."""
    return SpecError(f"column {word.column}: {message}", hint=hint)


def unknown(word: Word, what: str, there: Mapping[str, object] | Iterable[str]) -> SpecError:
    """Return the error for a name that there is not, with the nearest that there is."""
    listed = list(there)
    near = difflib.get_close_matches(word.text, listed, n=1)
    hint = f"Did you mean {near[0]}?" if near else f"There are: {', '.join(listed) or 'none'}."
    return at(word, f"{what} {word.text!r}", hint)


def _near(flag: str, flags: tuple[str, ...], usage: str) -> str:
    near = difflib.get_close_matches(flag, flags, n=1)
    return f"Did you mean {near[0]}?" if near else usage


def _inside(match: re.Match[str]) -> str:
    return match.group(1) if match.group(1) is not None else match.group(2)


def _closed(between: str, start: int) -> None:
    for offset, character in enumerate(between):
        if character in "\"'":
            column = start + offset + BEFORE + 1
            raise SpecError(
                f"column {column}: a quotation mark is not closed", hint=f"Close it with {character}."
            )
