"""The text of a cell as Python: what IPython alone understands, found or taken out.

Owns the recognition of magics and shell escapes. In a step cell they are problems; in the other
cells of a notebook their lines are blanked, so that the definitions around them can be read.
"""

from __future__ import annotations

import ast
import re
import warnings
from dataclasses import dataclass

#: Cell magics whose body is Python and runs in the notebook's own namespace.
_PYTHON_MAGICS = ("time", "timeit", "capture", "prun", "vertex_step")

_ESCAPE = re.compile(r"\s*(?:(?P<magic>%)|(?P<shell>!)|(?P<help>\?))|.*\S\?\??\s*\Z")
_ASSIGNED = re.compile(r"\s*[A-Za-z_][\w.,\s\[\]]*=\s*(?P<mark>[!%])")


@dataclass(frozen=True)
class Problem:
    """Something about a cell that must be changed, or (as a note) known.

    Parameters
    ----------
    line, column : int
        Place in the notebook cell, from 1; the magic's own line counts. 0 when there is none.
    """

    message: str
    hint: str = ""
    line: int = 0
    column: int = 0

    @property
    def text(self) -> str:
        """The message with its place in front."""
        place = f"line {self.line}" + (f", column {self.column}" if self.column else "")
        return f"{place}: {self.message}" if self.line else self.message


def parse(source: str) -> ast.Module:
    """Parse as the job will, without the warnings that the job gives anyway."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(source)


def compiles(source: str) -> SyntaxError | None:
    """Return what the compiler alone objects to (``return`` outside of a function …)."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            compile(source, "<cell>", "exec", dont_inherit=True)
        except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
            return error if isinstance(error, SyntaxError) else SyntaxError(str(error))
    return None


def syntax_problem(source: str, error: SyntaxError, offset: int) -> Problem:
    """Return the problem for a cell that is no Python: a magic, a shell escape or a syntax error."""
    lines = source.splitlines()
    first = error.lineno or 1
    for number in [first, *range(1, len(lines) + 1)]:
        if not 1 <= number <= len(lines):
            continue
        found = escape(lines[number - 1])
        if found:
            column = len(lines[number - 1]) - len(lines[number - 1].lstrip()) + 1
            return Problem(*_advice(found, lines[number - 1].strip()), line=number + offset, column=column)
    return Problem(
        f"syntax error: {error.msg}",
        "Correct the cell; nothing was submitted.",
        line=first + offset,
        column=error.offset or 1,
    )


def escape(line: str) -> str:
    """Return ``magic``, ``shell`` or ``help`` when only IPython understands the line; else empty."""
    assigned = _ASSIGNED.match(line)
    if assigned:
        return "shell" if assigned.group("mark") == "!" else "magic"
    match = _ESCAPE.match(line)
    if match is None:
        return ""
    return match.lastgroup or "help"


def python_text(source: str) -> tuple[str, int] | None:
    """Return a notebook cell's Python and the line at which it begins; ``None`` when it has none.

    Cell magics that run other languages have none. Lines that only IPython understands become
    ``pass``, keeping their place.
    """
    lines = source.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    start = 0
    if lines[first].startswith("%%"):
        name = re.match(r"%%(\w*)", lines[first])
        if name is None or name.group(1) not in _PYTHON_MAGICS:
            return None
        start = first + 1
    text = "\n".join(lines[start:])
    return text, start + 1


def blanked(text: str) -> str:
    """Return the text with IPython's own lines made ``pass``."""
    return "\n".join(_blank(line) for line in text.split("\n"))


def _blank(line: str) -> str:
    if not escape(line):
        return line
    indent = line[: len(line) - len(line.lstrip())]
    assigned = _ASSIGNED.match(line)
    return indent + (f"{line[: line.index('=')].strip()} = None" if assigned else "pass")


def _advice(kind: str, line: str) -> tuple[str, str]:
    shown = line if len(line) <= 40 else line[:39] + "…"
    if re.match(r"[!%]\s*(?:uv\s+)?pip3?\s+install", line):
        return f"{shown} does not run in a job", "Name packages with --requirements NAME==VERSION."
    if kind == "shell":
        return f"{shown} is a shell escape of the notebook", "Use subprocess.run([...]) in the cell."
    if kind == "help":
        return f"{shown} asks the notebook for help", "Ask in a cell of its own."
    return f"{shown} is a magic of the notebook", "Put it in a cell of its own; a step holds plain Python."
