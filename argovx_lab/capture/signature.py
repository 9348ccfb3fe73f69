"""The head of a step cell: ``NAME[(inputs)] [-> outputs]``.

Owns this small grammar. Refuses, with the column, what it does not have: literals and defaults as
inputs, keywords as names, two of one name, unknown codecs.
"""

from __future__ import annotations

import keyword
import re
from collections import deque
from dataclasses import dataclass, field

from argovx_lab.codecs import AUTO, ID, MAYBE, names
from argovx_lab.errors import SpecError
from argovx_lab.model.names import is_step_name

USAGE = "Write NAME, NAME(inputs) or NAME(inputs) -> outputs, such as train(X, y) -> model, report:json."

_TOKEN = re.compile(r"\s*(?:(->)|([(),:=])|([^\s(),:=]+?(?=->|[\s(),:=]|\Z)))", re.ASCII)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\Z", re.ASCII)


@dataclass(frozen=True)
class Signature:
    """What the user typed.

    Parameters
    ----------
    inputs : tuple of str or None
        ``None`` when there are no parentheses: the inputs are found by analysis.
    outputs : dict of str to str or None
        Name → codec, ``auto``, or ``auto?`` where analysis found it; ``None`` when there is no arrow.
    """

    name: str
    inputs: tuple[str, ...] | None = None
    outputs: dict[str, str] | None = field(default=None)

    @property
    def text(self) -> str:
        """The signature in its one canonical spelling."""
        text = self.name
        if self.inputs is not None:
            text += f"({', '.join(self.inputs)})"
        if self.outputs is not None:
            items = [n if c in (AUTO, MAYBE) else f"{n}:{c}" for n, c in self.outputs.items()]
            text += f" -> {', '.join(items) or '()'}"
        return text


def parse(head: str, *, any_codec: bool = False) -> Signature:
    """Read a head.

    Parameters
    ----------
    any_codec : bool
        Whether a codec may be one that is not known here: the notebook registers its own when it runs.

    Raises
    ------
    SpecError
        For anything outside the grammar; the message names the column, from 1.
    """
    return _Parser(head, any_codec).read()


class _Parser:
    def __init__(self, head: str, any_codec: bool) -> None:
        self._head = head
        self._any_codec = any_codec
        self._tokens: deque[tuple[str, int]] = deque()
        position, self._end = 0, len(head.rstrip())
        while position < self._end:
            match = _TOKEN.match(head, position)
            if match is None or match.end() == position:
                raise self._error(f"{head[position:].strip()[:20]!r} is not understood", position)
            text = match.group(1) or match.group(2) or match.group(3)
            self._tokens.append((text, match.end() - len(text)))
            position = match.end()

    def read(self) -> Signature:
        name, column = self._take("a step name")
        if not is_step_name(name):
            raise self._bad_step(name, column)
        inputs = self._inputs() if self._peek() == "(" else None
        outputs = self._outputs() if self._peek() == "->" else None
        if self._tokens:
            text, column = self._tokens[0]
            raise self._error(f"{text!r} is not expected here", column)
        return Signature(name, inputs, outputs)

    def _inputs(self) -> tuple[str, ...]:
        self._tokens.popleft()
        found: dict[str, None] = {}  # in order
        while self._peek() != ")":
            name, column = self._name("an input")
            if name in found:
                raise self._error(f"the input {name} is named twice", column)
            found[name] = None
            after, at = self._take("',' or ')'")
            if after == "=":
                raise self._error(
                    f"{name}=… : values in the signature are not supported yet",
                    at,
                    f"Assign {name} in a cell before, and write only {name} here.",
                )
            if after == ")":
                return tuple(found)
            if after != ",":
                raise self._error(f"expected ',' or ')', found {after!r}", at)
        self._tokens.popleft()
        return tuple(found)

    def _outputs(self) -> dict[str, str]:
        self._tokens.popleft()
        if self._peek() == "(":
            self._tokens.popleft()
            text, column = self._take("')'")
            if text != ")":
                raise self._error("outputs stand without parentheses", column)
            return {}
        found: dict[str, str] = {}
        while True:
            name, column = self._name("an output")
            if name in found:
                raise self._error(f"the output {name} is named twice", column)
            if name.startswith("_"):
                raise self._error(
                    f"{name} is private and cannot be an output", column, "Give it another name."
                )
            found[name] = self._codec() if self._peek() == ":" else AUTO
            if self._peek() != ",":
                return found
            self._tokens.popleft()

    def _codec(self) -> str:
        self._tokens.popleft()
        codec, column = self._take("a codec")
        known = (self._any_codec and ID.match(codec)) or codec.partition("@")[0] in (*names(), AUTO)
        if not known:
            raise self._error(f"{codec!r} is not a codec", column, f"There are {', '.join(names())}.")
        return codec

    def _name(self, what: str) -> tuple[str, int]:
        text, column = self._take(what)
        if text in ("gs", "dataset") and self._peek() == ":" and what == "an input":
            raise self._error("addresses as inputs are not supported yet", column, "Open it inside the cell.")
        if _NAME.match(text) and not keyword.iskeyword(text):
            return text, column
        if keyword.iskeyword(text):
            raise self._error(f"{text!r} is a word of Python, not {what}", column)
        if text[:1] in "0123456789'\"[{-+":
            raise self._error(
                f"{text!r} is a value; only names are supported yet", column, "Assign it in a cell before."
            )
        raise self._error(f"{text!r} is not {what}", column, "Use letters, digits and '_'.")

    def _take(self, what: str) -> tuple[str, int]:
        if not self._tokens:
            raise self._error(f"{what} is missing", self._end)
        return self._tokens.popleft()

    def _peek(self) -> str:
        return self._tokens[0][0] if self._tokens else ""

    def _bad_step(self, name: str, column: int) -> SpecError:
        better = re.sub(r"[^a-z0-9_-]+", "_", name.lower()).lstrip("_-0123456789")[:40].rstrip("_-")
        hint = "Use lower-case letters, digits, '_' and '-', at most 40, a letter first, no '_' or '-' last"
        return self._error(f"{name[:60]!r} cannot name a step", column, f"{hint}: {better or 'train'}.")

    def _error(self, message: str, position: int, hint: str = "") -> SpecError:
        return SpecError(f"signature, column {position + 1}: {message}", hint=hint or USAGE)
