"""Tokens → a tree of tuples ``(kind, …)``; precedence as in expr-lang."""

from __future__ import annotations

from typing import Any

from argovx_lab.sandbox.argo.expr.lexer import ExprError, Token, tokens

Tree = tuple[Any, ...]

#: Depth of nesting that is followed, far below Python's recursion limit.
DEPTH_MAX = 60

_BINARY = {
    "|": 0, "or": 10, "||": 10, "and": 15, "&&": 15, "==": 20, "!=": 20, "<": 20, ">": 20, "<=": 20,
    ">=": 20, "in": 20, "matches": 20, "contains": 20, "startsWith": 20, "endsWith": 20, "..": 25,
    "+": 30, "-": 30, "*": 60, "/": 60, "%": 60, "**": 100, "^": 100, "??": 500,
}  # fmt: skip
_LITERALS = {"true": True, "false": False, "nil": None}
#: Functions whose second argument is a predicate over the elements of the first.
PREDICATES = frozenset((
    "filter", "map", "all", "any", "one", "none", "count", "sum", "find", "findIndex", "findLast", "groupBy",
    "sortBy", "reduce",
))  # fmt: skip


def parse(source: str) -> Tree:
    """Return the tree of an expression.

    Raises
    ------
    ExprError
        When it is no expression, or nests deeper than :data:`DEPTH_MAX`.
    """
    parser = _Parser(source)
    tree = parser.ternary()
    parser.expect_end()
    return tree


class _Parser:
    def __init__(self, source: str) -> None:
        self._source = source
        self._tokens = tokens(source)
        self._at = 0
        self._depth = 0

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _take(self, text: str) -> bool:
        if self._peek().kind == "op" and self._peek().text == text:
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._take(text):
            raise self._unexpected(f"expected {text!r}")

    def _unexpected(self, hint: str = "") -> ExprError:
        token = self._peek()
        shown = repr(token.text) if token.kind != "end" else "end of expression"
        suffix = f", {hint}" if hint else ""
        return ExprError(f"unexpected {shown} at position {token.at} of {self._source!r}{suffix}")

    def expect_end(self) -> None:
        if self._peek().kind != "end":
            raise self._unexpected()

    def ternary(self) -> Tree:
        self._depth += 1
        if self._depth > DEPTH_MAX:
            raise ExprError(f"expression nests deeper than {DEPTH_MAX}")
        condition = self._binary(0)
        if self._take("?"):
            if self._take(":"):
                condition = ("or_else", condition, self.ternary())
            else:
                chosen = self.ternary()
                self._expect(":")
                condition = ("if", condition, chosen, self.ternary())
        self._depth -= 1
        return condition

    def _binary(self, level: int) -> Tree:
        left = self._unary()
        while True:
            token = self._peek()
            operator, negated = token.text, False
            if token.kind == "op" and operator == "not":
                following = self._tokens[self._at + 1]
                operator, negated = following.text, True
            power = _BINARY.get(operator) if token.kind == "op" else None
            if power is None or power < level:
                return left
            self._at += 2 if negated else 1
            if operator == "|":
                left = self._pipe(left)
                continue
            right = self._binary(power if operator in ("**", "^") else power + 1)
            left = ("binary", operator, left, right)
            left = ("unary", "not", left) if negated else left

    def _pipe(self, left: Tree) -> Tree:
        call = self._postfix(self._primary())
        if call[0] != "call":
            raise ExprError(f"after '|' a function call is expected in {self._source!r}")
        return ("call", call[1], (left, *call[2]))

    def _unary(self) -> Tree:
        token = self._peek()
        if token.kind == "op" and token.text in ("-", "+", "!", "not"):
            self._next()
            operand = self._binary(50 if token.text in ("not", "!") else 90)
            return ("unary", "not" if token.text == "!" else token.text, operand)
        return self._postfix(self._primary())

    def _primary(self) -> Tree:
        token = self._next()
        if token.kind in ("number", "string"):
            return ("literal", token.value)
        if token.kind == "name":
            return self._name(token)
        if token.text == "(":
            inner = self.ternary()
            self._expect(")")
            return inner
        if token.text == "[":
            return ("list", self._items("]"))
        if token.text == "{":
            return self._map()
        if token.text == "#":
            return self._element()
        if token.text == "." and self._peek().kind == "name":
            return ("member", ("name", "#"), ("literal", self._next().text), False)
        self._at -= 1
        raise self._unexpected()

    def _element(self) -> Tree:
        if self._peek().kind == "name" and self._peek().text in ("acc", "index"):
            return ("name", "#" + self._next().text)
        return ("name", "#")

    def _name(self, token: Token) -> Tree:
        if token.text in _LITERALS:
            return ("literal", _LITERALS[token.text])
        if self._peek().kind == "op" and self._peek().text == "(":
            self._next()
            return ("call", ("name", token.text), self._arguments(token.text))
        return ("name", token.text)

    def _arguments(self, function: str) -> tuple[Tree, ...]:
        items: list[Tree] = []
        while not self._take(")"):
            if items and not self._take(","):
                raise self._unexpected("expected ',' or ')'")
            if function in PREDICATES and self._take("{"):
                items.append(("predicate", self.ternary()))
                self._expect("}")
            else:
                items.append(self.ternary())
        return tuple(items)

    def _items(self, close: str) -> tuple[Tree, ...]:
        items: list[Tree] = []
        while not self._take(close):
            if items:
                self._expect(",")
                if self._take(close):
                    break
            items.append(self.ternary())
        return tuple(items)

    def _map(self) -> Tree:
        pairs: list[tuple[Tree, Tree]] = []
        while not self._take("}"):
            if pairs:
                self._expect(",")
            token = self._next()
            if token.text == "(":
                key: Tree = self.ternary()
                self._expect(")")
            elif token.kind in ("name", "string", "number"):
                key = ("literal", token.value if token.kind == "string" else token.text)
            else:
                self._at -= 1
                raise self._unexpected("expected a key")
            self._expect(":")
            pairs.append((key, self.ternary()))
        return ("map", tuple(pairs))

    def _postfix(self, tree: Tree) -> Tree:
        while True:
            token = self._peek()
            if token.kind != "op":
                return tree
            if token.text in (".", "?."):
                self._next()
                tree = self._member(tree, token.text == "?.")
            elif token.text == "[":
                self._next()
                tree = self._index(tree)
            else:
                return tree

    def _member(self, tree: Tree, optional: bool) -> Tree:
        token = self._next()
        if optional and token.text == "[":
            index = self._index(tree)
            return (*index[:3], True) if index[0] == "member" else index
        if token.kind != "name" and token.text not in ("in", "not", "and", "or", "contains", "matches"):
            self._at -= 1
            raise self._unexpected("expected a name")
        member: Tree = ("member", tree, ("literal", token.text), optional)
        if self._peek().kind == "op" and self._peek().text == "(":
            self._next()
            return ("call", member, self._arguments(token.text))
        return member

    def _index(self, tree: Tree) -> Tree:
        if self._take(":"):
            end = None if self._peek().text == "]" else self.ternary()
            self._expect("]")
            return ("slice", tree, None, end)
        start = self.ternary()
        if self._take(":"):
            end = None if self._peek().text == "]" else self.ternary()
            self._expect("]")
            return ("slice", tree, start, end)
        self._expect("]")
        return ("member", tree, start, False)
