"""The head of a step cell: ``NAME[(inputs)] [-> outputs]``.

Owns this small grammar; an input is a name, or ``NAME=LITERAL``: a value of the step's own. Refuses, with the
column, what it does not have: values that would have to be computed, keywords as names, two of one name,
unknown codecs. What is refused is not repeated: a value may be a secret.
"""

from __future__ import annotations

import ast
import keyword
import re
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from argovx_lab.capture.brackets import outside
from argovx_lab.codecs import AUTO, ID, MAYBE, names
from argovx_lab.errors import SpecError
from argovx_lab.model.dataset import is_reference
from argovx_lab.model.names import is_step_name

USAGE = (
    "Write NAME, NAME(inputs) or NAME(inputs) -> outputs, such as train(X, y, lr=0.1) -> model, report:json."
)

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
    defaults : dict of str to Any
        Those inputs that the signature itself gives a value.
    """

    name: str
    inputs: tuple[str, ...] | None = None
    outputs: dict[str, str] | None = field(default=None)
    defaults: Mapping[str, Any] = field(default_factory=dict)

    @property
    def text(self) -> str:
        """The signature in its one canonical spelling."""
        text = self.name
        if self.inputs is not None:
            values = [f"{n}={self.defaults[n]!r}" if n in self.defaults else n for n in self.inputs]
            text += f"({', '.join(values)})"
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
        self._defaults: dict[str, Any] = {}
        position, self._end = 0, len(head.rstrip())
        while position < self._end:
            match = _TOKEN.match(head, position)
            if match is None or match.end() == position:
                raise self._error(f"{head[position:].strip()[:20]!r} is not understood", position)
            text = match.group(1) or match.group(2) or match.group(3)
            self._tokens.append((text, match.end() - len(text)))
            position = match.end()
            if text == "=":
                position = self._value(position)

    def read(self) -> Signature:
        name, column = self._take("a step name")
        if not is_step_name(name):
            raise self._bad_step(name, column)
        inputs = self._inputs() if self._peek() == "(" else None
        outputs = self._outputs() if self._peek() == "->" else None
        if self._tokens:
            text, column = self._tokens[0]
            raise self._error(f"{text!r} is not expected here", column)
        return Signature(name, inputs, outputs, self._defaults)

    def _value(self, start: int) -> int:
        """Take everything up to the next comma or closing parenthesis as one token; returns where it ends."""
        end = next((at for at in outside(self._head, start) if self._head[at] in ",)"), self._end)
        text = self._head[start:end]
        if text.strip():
            self._tokens.append((text.strip(), start + len(text) - len(text.lstrip())))
        return end

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
                self._defaults[name] = self._literal(name, at)
                after, at = self._take("',' or ')'")
            if after == ")":
                return tuple(found)
            if after != ",":
                raise self._error(f"expected ',' or ')', found {after!r}", at)
        self._tokens.popleft()
        return tuple(found)

    def _literal(self, name: str, equals: int) -> Any:
        """Return the value of an input as Python reads a literal; nothing is computed."""
        if self._peek() in ("", ",", ")"):
            raise self._error(f"the value of {name} is missing", equals, f"Write it like {name}=0.1.")
        text, column = self._tokens.popleft()
        try:
            return self._plain(name, column, ast.literal_eval(text))
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            hint = (
                f"Write a number, text, list or dict; or assign {name} in a cell, and write only {name} here."
            )
            raise self._error(f"the value of {name} is no literal", column, hint) from None

    def _plain(self, name: str, column: int, value: Any) -> Any:
        """Refuse a dataset's name: the cell would get the text, and the data would not be pinned."""
        if is_reference(value):
            hint = f"Pass the value it was made of by its name, as train({name}) does."
            raise self._error(f"{name}: a dataset cannot be named here yet", column, hint)
        return value

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
            raise self._error("an address has no name", column, 'Write it like data="gs://bucket/name".')
        if _NAME.match(text) and not keyword.iskeyword(text):
            return text, column
        if keyword.iskeyword(text):
            raise self._error(f"{text!r} is a word of Python, not {what}", column)
        if text[:1] in "0123456789'\"[{-+":
            raise self._error("a value has no name", column, "Write it like lr=0.1.")
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
