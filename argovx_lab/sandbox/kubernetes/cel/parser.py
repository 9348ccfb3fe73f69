"""CEL text to a tree.

Owns the grammar: literals, lists, maps, selection, indexing, calls, operators and the conditional; refuses
bytes and messages by name.
Source: https://github.com/google/cel-spec/blob/master/doc/langdef.md
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, NoReturn

#: Deepest nesting of an expression. Unit: levels.
DEPTH_MAX = 100

_TOKEN = re.compile(
    r"""\s+|//[^\n]*
    |(?P<raw>[rR](?:'[^'\n]*'|"[^"\n]*"))
    |(?P<string>'''(?:\\.|[^\\])*?'''|\"\"\"(?:\\.|[^\\])*?\"\"\"|'(?:\\.|[^'\\\n])*'|"(?:\\.|[^"\\\n])*")
    |(?P<number>0x[0-9a-fA-F]+[uU]?|\d+\.\d+(?:[eE][-+]?\d+)?|\d+[eE][-+]?\d+|\d+[uU]?)
    |(?P<name>[_a-zA-Z][_a-zA-Z0-9]*)
    |(?P<sign>&&|\|\||[<>=!]=|[-+*/%<>!?:.,()\[\]{}])""",
    re.VERBOSE | re.DOTALL,
)
_ESCAPE = re.compile(r"\\(x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|[0-3][0-7]{2}|.)", re.DOTALL)
_PLAIN = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_LEVELS = (("||",), ("&&",), ("<", "<=", ">", ">=", "==", "!=", "in"), ("+", "-"), ("*", "/", "%"))


class CelError(ValueError):
    """An expression that cannot be compiled, or that came to no value."""


@dataclass(frozen=True)
class Tree:
    """A node: its kind, what it holds, and the nodes below it."""

    kind: str
    value: Any = None
    below: tuple[Tree, ...] = ()


def parse(source: str) -> Tree:
    """Return the tree of an expression; :class:`CelError` when it is none."""
    parser = _Parser(_tokens(source))
    tree = parser.expression()
    parser.end()
    return tree


def _tokens(source: str) -> list[tuple[str, str]]:
    found, at = [], 0
    while at < len(source):
        match = _TOKEN.match(source, at)
        if match is None:
            raise CelError(f"syntax error at {source[at : at + 20]!r}")
        if match.lastgroup:
            found.append((match.lastgroup, match[0]))
        at = match.end()
    return found


class _Parser:
    def __init__(self, tokens: list[tuple[str, str]]) -> None:
        self._tokens, self._at, self._depth = tokens, 0, 0

    def end(self) -> None:
        if self._at < len(self._tokens):
            self._fail()

    def _fail(self) -> NoReturn:
        found = self._tokens[self._at][1] if self._at < len(self._tokens) else "the end"
        raise CelError(f"syntax error: {found!r} was not expected")

    def _peek(self) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at][0] in ("sign", "name"):
            return self._tokens[self._at][1]
        return ""

    def _take(self, *signs: str) -> str:
        found = self._peek()
        if found and found in signs:
            self._at += 1
            return found
        return ""

    def _need(self, sign: str) -> None:
        if not self._take(sign):
            self._fail()

    def expression(self) -> Tree:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise CelError(f"the expression is nested more than {DEPTH_MAX} deep")
        tree = self._binary(0)
        if self._take("?"):
            yes = self.expression()
            self._need(":")
            tree = Tree("if", None, (tree, yes, self.expression()))
        self._depth -= 1
        return tree

    def _binary(self, level: int) -> Tree:
        if level == len(_LEVELS):
            return self._unary()
        tree = self._binary(level + 1)
        while sign := self._take(*_LEVELS[level]):
            tree = Tree("binary", sign, (tree, self._binary(level + 1)))
        return tree

    def _unary(self) -> Tree:
        if sign := self._take("!", "-"):
            self._depth += 1
            if self._depth > DEPTH_MAX:
                raise CelError(f"the expression is nested more than {DEPTH_MAX} deep")
            tree = Tree("unary", sign, (self._unary(),))
            self._depth -= 1
            return tree
        return self._member(self._primary())

    def _member(self, tree: Tree) -> Tree:
        while True:
            if self._take("."):
                name = self._name()
                if self._take("("):
                    tree = Tree("method", name, (tree, *self._list(")")))
                else:
                    tree = Tree("select", name, (tree,))
            elif self._take("["):
                tree = Tree("index", None, (tree, self.expression()))
                self._need("]")
            else:
                return tree

    def _name(self) -> str:
        if self._at >= len(self._tokens) or self._tokens[self._at][0] != "name":
            self._fail()
        self._at += 1
        return self._tokens[self._at - 1][1]

    def _list(self, end: str) -> tuple[Tree, ...]:
        found: list[Tree] = []
        while not self._take(end):
            if found:
                self._need(",")
                if self._take(end):
                    break
            found.append(self.expression())
        return tuple(found)

    def _primary(self) -> Tree:
        if self._take("("):
            tree = self.expression()
            self._need(")")
            return tree
        if self._take("["):
            return Tree("list", None, self._list("]"))
        if self._take("{"):
            return self._map()
        if self._at >= len(self._tokens):
            self._fail()
        kind, text = self._tokens[self._at]
        if kind == "sign":
            self._fail()
        self._at += 1
        if kind in ("string", "raw"):
            return Tree("literal", _string(text))
        if kind == "number":
            return Tree("literal", _number(text))
        if text in ("true", "false", "null"):
            return Tree("literal", {"true": True, "false": False, "null": None}[text])
        return Tree("call", text, self._list(")")) if self._take("(") else Tree("name", text)

    def _map(self) -> Tree:
        found: list[Tree] = []
        while not self._take("}"):
            if found:
                self._need(",")
                if self._take("}"):
                    break
            found.append(self.expression())
            self._need(":")
            found.append(self.expression())
        return Tree("map", None, tuple(found))


def _string(text: str) -> str:
    if text[0] in "rR":
        return text[2:-1]
    size = 3 if text[:3] in ("'''", '"""') else 1
    return _ESCAPE.sub(_escaped, text[size:-size])


def _escaped(match: re.Match[str]) -> str:
    code = match[1]
    if code[0] in "xuU" and len(code) > 1:
        return chr(int(code[1:], 16))
    if len(code) == 3:
        return chr(int(code, 8))
    if code not in _PLAIN and code not in "\\?\"'`":
        raise CelError(f"unknown escape \\{code}")
    return _PLAIN.get(code, code)


def _number(text: str) -> int | float:
    body = text.rstrip("uU")
    if body.lower().startswith("0x"):
        return int(body, 16)
    return float(body) if any(sign in body for sign in ".eE") else int(body)
