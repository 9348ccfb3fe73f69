"""What must hold of earlier results for a step to run: ``--when "prepare.rows > 1000"``.

Owns the small language and its form for Argo (expr-lang). Comparisons of small results with literals, joined
by ``and``, ``or``, ``not``; refuses everything else with the column, so that nothing typed runs as code.
"""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

from argovx_lab.errors import SpecError

USAGE = "Write it like --when \"prepare.rows > 1000 and prepare.kind in ['a', 'b']\"."

_STRING = re.compile(r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\"")
_RESULT = re.compile(r"(?<![\w.-])([a-z][a-z0-9_-]*)\.([A-Za-z_]\w*)", re.ASCII)

_OPERATORS: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
    ast.In: "in",
}


#: ``(step, name)`` → value of a result that is there already.
Known = Mapping[tuple[str, str], Any]


@dataclass(frozen=True)
class Condition:
    """A condition as typed, and the results that it reads.

    Parameters
    ----------
    reads : tuple of tuple
        ``(step, name)`` of each result, once each, in their order.
    """

    text: str
    reads: tuple[tuple[str, str], ...]
    _tree: ast.expr
    _places: dict[int, tuple[str, str]]

    @property
    def steps(self) -> tuple[str, ...]:
        """The steps that it reads, once each."""
        return tuple(dict.fromkeys(step for step, _ in self.reads))

    def argo(self, values_of: Callable[[str], str], known: Known = MappingProxyType({})) -> str:
        """Return it as Argo's ``when``: the comparison is done by expr-lang, no value is read as code.

        Parameters
        ----------
        values_of : callable
            Step → expr-lang for the text of its output ``values``.
        known : mapping
            ``(step, name)`` → value, where it is known before the Workflow is made.

        Raises
        ------
        SpecError
            When a known value is no number, text, truth value or list of these.
        """
        return f"{{{{={_Writer(self._places, values_of, known).write(self._tree)}}}}}"


def parse(text: str) -> Condition:
    """Read a condition.

    Raises
    ------
    SpecError
        With the column within it, for anything else.
    """
    if "{{" in text or "}}" in text:
        raise SpecError(f"--when {text!r} has double braces, which Argo would expand", hint=USAGE)
    places: dict[int, tuple[str, str]] = {}
    masked = _masked(text, places)
    try:
        tree = ast.parse(masked, mode="eval").body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        column = getattr(error, "offset", None) or 1
        raise _refused(f"{text!r} is no condition", column - 1) from error
    writer = _Writer(places, lambda step: step)
    writer.write(tree)  # refuses what it cannot write
    if not places:
        raise _refused("it reads no result of a step", 0)
    reads = dict.fromkeys(places[at] for at in sorted(places))
    return Condition(text, tuple(reads), tree, places)


def _masked(text: str, places: dict[int, tuple[str, str]]) -> str:
    """Return the text with each ``STEP.NAME`` as one Python name of the same length."""
    out, end = [], 0
    for part in [*_STRING.finditer(text), None]:
        stop = part.start() if part else len(text)
        piece = text[end:stop]
        for match in _RESULT.finditer(piece):
            at = len(text[: end + match.start()].encode())
            places[at] = (match.group(1), match.group(2))
        out.append(_RESULT.sub(lambda match: "_" * len(match.group()), piece))
        if part:
            out.append(part.group())
            end = part.end()
    return "".join(out)


class _Writer:
    """Writes a condition in expr-lang."""

    def __init__(
        self,
        places: dict[int, tuple[str, str]],
        values_of: Callable[[str], str],
        known: Known = MappingProxyType({}),
    ) -> None:
        self._places, self._values_of, self._known = places, values_of, known

    def write(self, node: ast.expr) -> str:
        """Return one part of the condition."""
        if isinstance(node, ast.BoolOp):
            word = " && " if isinstance(node.op, ast.And) else " || "
            return f"({word.join(map(self.write, node.values))})"
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            return f"!({self.write(node.operand)})"
        if isinstance(node, ast.Compare):
            return (
                " && ".join(self._pairs(node))
                if len(node.ops) == 1
                else f"({' && '.join(self._pairs(node))})"
            )
        return self._value(node)

    def _pairs(self, node: ast.Compare) -> Iterator[str]:
        left = node.left
        for operator, right in zip(node.ops, node.comparators, strict=True):
            if isinstance(operator, ast.NotIn):
                yield f"!({self._value(left)} in {self._value(right)})"
            elif type(operator) in _OPERATORS:
                yield f"{self._value(left)} {_OPERATORS[type(operator)]} {self._value(right)}"
            else:
                raise _refused("'is' compares nothing here; use ==", node.col_offset)
            left = right

    def _value(self, node: ast.expr) -> str:
        if isinstance(node, ast.Name):
            if node.col_offset not in self._places:
                raise _refused(f"{node.id!r} is no result; a result is STEP.NAME", node.col_offset)
            step, name = self._places[node.col_offset]
            if (step, name) in self._known:
                return _known(self._known[step, name], node.col_offset)
            return f"jsonpath({self._values_of(step)}, '$.{name}')"
        if isinstance(node, (ast.List, ast.Tuple)):
            return f"[{', '.join(map(self._value, node.elts))}]"
        negative = isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub)
        constant = node.operand if negative else node  # type: ignore[attr-defined]
        if isinstance(constant, ast.Constant):
            return ("-" if negative else "") + _literal(constant.value, node.col_offset)
        raise _refused("only results, literals and comparisons may stand here", node.col_offset)


def _known(value: Any, column: int) -> str:
    if isinstance(value, list):
        return f"[{', '.join(_literal(item, column) for item in value)}]"
    return _literal(value, column)


def _literal(value: Any, column: int) -> str:
    if value is None:
        return "nil"
    if isinstance(value, (bool, int, float, str)):
        try:
            text = json.dumps(value, allow_nan=False)
            return text.replace("{", "\\u007b").replace("}", "\\u007d")  # Argo would see a tag's end
        except ValueError:
            pass
    raise _refused(f"{value!r} is no number, text, True, False or None", column)


def _refused(why: str, column: int) -> SpecError:
    return SpecError(f"--when, column {column + 1} of the condition: {why}", hint=USAGE)
