"""The filter language of list calls: AIP-160 as Vertex AI, ML Metadata and Logging use it.

Owns the grammar and its evaluation against plain dicts: ``AND``, ``OR`` (which binds tighter), ``NOT``,
``-``, parentheses, juxtaposition as AND, ``= != < <= > >=``, ``:`` (has), groups of values after an
operator, and calls such as ``in_context("…")``. What a service does not name as filterable is refused with
INVALID_ARGUMENT, never ignored: a filter that selects too much deletes the wrong things.
Source: https://google.aip.dev/160
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from argovx_lab.sandbox.google.errors import GoogleError, invalid

#: Deepest nesting of parentheses. Unit: levels. ML Metadata documents 5.
DEPTH_MAX = 5
#: Longest filter. Unit: characters.
LENGTH_MAX = 20_000
OPERATORS = ("=", "!=", "<", "<=", ">", ">=", ":")

_TOKEN = re.compile(
    r"""\s*(?:(?P<op><=|>=|!=|=~|!~|[=<>:])|(?P<open>\()|(?P<close>\))|(?P<comma>,)
    |(?P<text>"(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(?P<word>[^\s()=<>!:,"']+))""",
    re.VERBOSE,
)


@dataclass(frozen=True)
class Comparison:
    """``field op value``; ``values`` holds several when the filter gives a group (any of them matches)."""

    field: str
    op: str
    values: tuple[str, ...]


@dataclass(frozen=True)
class Call:
    """A function, such as ``in_context("…")``."""

    name: str
    argument: str


@dataclass(frozen=True)
class Not:
    """Negation."""

    item: Expression


@dataclass(frozen=True)
class Both:
    """``AND`` (``every`` is true) or ``OR`` of several."""

    every: bool
    items: tuple[Expression, ...]


Expression = Comparison | Call | Not | Both
#: Decides one leaf for one document.
Leaf = Callable[[Comparison | Call, Mapping[str, Any]], bool]


def parse(text: str, *, logging: bool = False) -> Expression | None:
    """Return the expression, ``None`` for an empty filter; a broken one is INVALID_ARGUMENT.

    Parameters
    ----------
    logging : bool
        The dialect of Cloud Logging: ``=~`` and ``!~``, and text without a field, which becomes a
        :class:`Call` without a name.
    """
    if not text.strip():
        return None
    if len(text) > LENGTH_MAX:
        raise invalid(f"The filter is longer than {LENGTH_MAX} characters.", ["filter"])
    parser = _Parser(text, logging)
    expression = parser.sequence(0)
    if parser.at < len(parser.tokens):
        raise parser.error(f"unexpected '{parser.tokens[parser.at][1]}'")
    return expression


def matches(expression: Expression | None, document: Mapping[str, Any], leaf: Leaf) -> bool:
    """Say whether ``document`` satisfies ``expression``."""
    if expression is None:
        return True
    if isinstance(expression, Both):
        results = (matches(item, document, leaf) for item in expression.items)
        return all(results) if expression.every else any(results)
    if isinstance(expression, Not):
        return not matches(expression.item, document, leaf)
    return leaf(expression, document)


def leaves(expression: Expression | None) -> list[Comparison | Call]:
    """Return every comparison and call of an expression."""
    if expression is None:
        return []
    if isinstance(expression, Both):
        return [leaf for item in expression.items for leaf in leaves(item)]
    return leaves(expression.item) if isinstance(expression, Not) else [expression]


def _joins(before: str, kind: str, value: str) -> bool:
    """Say whether a token goes on a path that the one before it began."""
    return (kind == "text" and before.endswith(".")) or (before.endswith('"') and value.startswith("."))


class _Parser:
    def __init__(self, text: str, logging: bool = False) -> None:
        self.text = text
        self.operators = (*OPERATORS, "=~", "!~") if logging else OPERATORS
        self.bare = logging
        self.tokens = list(self._scan(text))
        self.at = 0

    def _scan(self, text: str) -> list[tuple[str, str]]:
        found: list[tuple[str, str]] = []
        at = 0
        end = len(text.rstrip())
        while at < end:
            token = _TOKEN.match(text, at)
            if token is None:
                raise self.error(f"unexpected character at position {at + 1}")
            kind = str(token.lastgroup)
            value = token[kind]
            before = found[-1] if found and token.start(kind) == at else ("", "")
            at = token.end()
            if before[0] == "word" and _joins(before[1], kind, value):
                found[-1] = ("word", before[1] + value)  # a path with a quoted part: labels."a.b/c".d
                continue
            if kind == "text":
                value = re.sub(r"\\(.)", r"\1", value[1:-1])
            found.append((kind, value))
        return found

    def error(self, what: str) -> GoogleError:
        return invalid(f"Invalid filter: {what}. Filter: {self.text[:200]}", ["filter"])

    def peek(self, kind: str, value: str = "") -> bool:
        if self.at >= len(self.tokens):
            return False
        found = self.tokens[self.at]
        return found[0] == kind and (not value or found[1] == value)

    def take(self, kind: str, value: str = "") -> bool:
        if self.peek(kind, value):
            self.at += 1
            return True
        return False

    def sequence(self, depth: int) -> Expression:
        """Read ``a AND b c``; AND and juxtaposition mean the same."""
        items = [self.factor(depth)]
        while self.at < len(self.tokens) and not self.peek("close"):
            self.take("word", "AND")
            items.append(self.factor(depth))
        return items[0] if len(items) == 1 else Both(True, tuple(items))

    def factor(self, depth: int) -> Expression:
        items = [self.term(depth)]
        while self.take("word", "OR"):
            items.append(self.term(depth))
        return items[0] if len(items) == 1 else Both(False, tuple(items))

    def term(self, depth: int) -> Expression:
        if self.take("word", "NOT") or self.take("word", "-"):
            return Not(self.term(depth))
        if self.take("open"):
            if depth >= DEPTH_MAX:
                raise self.error(f"nested deeper than {DEPTH_MAX} levels")
            inner = self.sequence(depth + 1)
            if not self.take("close"):
                raise self.error("')' is missing")
            return inner
        return self.restriction()

    def restriction(self) -> Expression:
        if self.at >= len(self.tokens):
            raise self.error("it ends too early")
        kind, name = self.tokens[self.at]
        if kind not in ("word", "text") or (kind == "word" and name in ("AND", "OR")):
            raise self.error(f"a field was expected, not '{name}'")
        self.at += 1
        negated = kind == "word" and name.startswith("-")
        if kind == "word" and self.peek("open"):
            return self.call(name)
        if not self.peek("op"):
            if self.bare:
                bare = Call("", name.lstrip("-") if negated else name)
                return Not(bare) if negated else bare
            raise self.error(f"an operator was expected after '{name}'")
        op = self.tokens[self.at][1]
        self.at += 1
        if op not in self.operators:
            raise self.error(f"the operator '{op}' is not supported; use one of {' '.join(self.operators)}")
        comparison = Comparison(name.lstrip("-") if negated else name, op, self.values())
        return Not(comparison) if negated else comparison

    def call(self, name: str) -> Expression:
        self.take("open")
        if not self.peek("text"):
            raise self.error(f"{name}() takes one quoted string")
        argument = self.tokens[self.at][1]
        self.at += 1
        if not self.take("close"):
            raise self.error("')' is missing")
        return Call(name, argument)

    def values(self) -> tuple[str, ...]:
        if not self.take("open"):
            return (self.value(),)
        found = [self.value()]
        while self.take("word", "OR"):
            found.append(self.value())
        if not self.take("close"):
            raise self.error("')' is missing in a group of values")
        return tuple(found)

    def value(self) -> str:
        if not (self.peek("text") or self.peek("word")):
            raise self.error("a value is missing after an operator")
        self.at += 1
        return self.tokens[self.at - 1][1]
