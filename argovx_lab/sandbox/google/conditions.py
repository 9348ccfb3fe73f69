"""The part of CEL that IAM conditions, access boundaries and provider conditions understand here.

Owns parsing and evaluation of logic, comparisons, literals, ``in [...]``, ``timestamp("...")``,
``api.getAttribute("name", "default")`` and the functions of :mod:`.condition_functions`. The rest is refused
when a condition is stored, with its place: what is not understood must never count as true or as false.
Source: https://cloud.google.com/iam/docs/conditions-attribute-reference
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TypeAlias

from argovx_lab.sandbox.google.condition_functions import COMPARE, FUNCTIONS
from argovx_lab.sandbox.google.errors import GoogleError, invalid

Value: TypeAlias = "str | bool | int | datetime | list[str]"
Values: TypeAlias = Mapping[str, "str | datetime"]
_Node: TypeAlias = Callable[[Values], Value]

#: IAM refuses longer expressions. Unit: characters.
#: Source: https://cloud.google.com/iam/docs/conditions-overview
LENGTH_MAX = 2048
#: IAM allows at most 12 logical operators in one expression. Source: same page.
OPERATORS_MAX = 12

_KNOWN = ", ".join(sorted({name for _, name in FUNCTIONS}))
#: What a condition of an IAM binding may read.
IAM_NAMES = frozenset({"resource.name", "resource.type", "resource.service", "request.time"})
#: Prefix under which API attributes are handed to :meth:`Condition.holds`.
ATTRIBUTE = "api:"

_TOKEN = re.compile(
    r"""\s*(?:(?P<string>'(?:[^'\\\n]|\\['"\\])*'|"(?:[^"\\\n]|\\['"\\])*")"""
    r"""|(?P<number>\d{1,9})|(?P<name>[A-Za-z_][A-Za-z0-9_]*)|(?P<op>&&|\|\||==|!=|<=|>=|[!<>().,\[\]]))"""
)


@dataclass(frozen=True)
class Condition:
    """A parsed condition.

    Parameters
    ----------
    text : str
        The expression as it was given.
    """

    text: str
    _node: _Node

    def holds(self, values: Values) -> bool:
        """Return whether the condition is true; a name without a value makes it false.

        Parameters
        ----------
        values : mapping
            Dotted name → value; API attributes under ``api:<name>``.
        """
        try:
            return self._node(values) is True
        except KeyError:
            return False


def parse(text: str, names: frozenset[str] = IAM_NAMES, *, attributes: bool = False) -> Condition:
    """Parse an expression.

    Parameters
    ----------
    text : str
        The CEL text.
    names : frozenset of str
        Dotted names that it may read.
    attributes : bool
        Whether ``api.getAttribute`` may be used.

    Raises
    ------
    GoogleError
        INVALID_ARGUMENT, naming the place that is not understood.
    """
    if len(text) > LENGTH_MAX:
        raise invalid(f"Condition expression has {len(text)} characters; at most {LENGTH_MAX} are allowed.")
    parser = _Parser(text, names, attributes)
    node, kind = parser.either()
    parser.end()
    if kind != "bool":
        raise parser.refuse(f"the expression must be a bool, not a {kind}")
    return Condition(text, node)


class _Parser:
    """Recursive descent with types: every step returns a node and its kind (bool, string, time, list)."""

    def __init__(self, text: str, names: frozenset[str], attributes: bool) -> None:
        self._text, self._names, self._attributes = text, names, attributes
        self._tokens: list[tuple[str, str]] = []
        self._at = 0
        self._operators = 0
        place = 0
        while text[place:].strip():
            match = _TOKEN.match(text, place)
            if match is None:
                raise self.refuse(f"{text[place:].strip()[:20]!r} is not understood")
            self._tokens.append((str(match.lastgroup), match.group(str(match.lastgroup))))
            place = match.end()

    def refuse(self, why: str) -> GoogleError:
        names = ", ".join(sorted(self._names))
        return invalid(
            f"Condition expression {self._text[:120]!r}: {why}. The sandbox evaluates &&, ||, !, ==, !=, <, "
            f"in, {_KNOWN} over {names}.",
            ["condition.expression"],
        )

    def _peek(self) -> tuple[str, str]:
        return self._tokens[self._at] if self._at < len(self._tokens) else ("end", "")

    def _take(self, text: str = "") -> tuple[str, str]:
        token = self._peek()
        if token[0] == "end" or (text and token[1] != text):
            wanted = repr(text) if text else "a value"
            raise self.refuse(f"{wanted} expected, found {token[1] or 'the end'!r}")
        self._at += 1
        return token

    def end(self) -> None:
        if self._peek()[0] != "end":
            raise self.refuse(f"{self._peek()[1]!r} is not understood here")

    def either(self) -> tuple[_Node, str]:
        return self._chain("||", self._both, lambda a, b: lambda v: a(v) is True or b(v) is True)

    def _both(self) -> tuple[_Node, str]:
        return self._chain("&&", self._compare, lambda a, b: lambda v: a(v) is True and b(v) is True)

    def _chain(
        self, sign: str, part: Callable[[], tuple[_Node, str]], join: Callable[[_Node, _Node], _Node]
    ) -> tuple[_Node, str]:
        node, kind = part()
        while self._peek() == ("op", sign):
            self._take()
            self._count()
            right, right_kind = part()
            if kind != "bool" or right_kind != "bool":
                raise self.refuse(f"{sign} joins bools, not {kind} and {right_kind}")
            node = join(node, right)
        return node, kind

    def _count(self) -> None:
        self._operators += 1
        if self._operators > OPERATORS_MAX:
            raise self.refuse(f"at most {OPERATORS_MAX} logical operators are allowed")

    def _compare(self) -> tuple[_Node, str]:
        left, kind = self._unary()
        _, sign = self._peek()
        if sign in ("==", "!="):
            self._take()
            right, right_kind = self._unary()
            if kind != right_kind:
                raise self.refuse(f"{sign} compares {kind} with {right_kind}")
            same = sign == "=="
            return (lambda v: (left(v) == right(v)) is same), "bool"
        if sign in COMPARE:
            self._take()
            right, right_kind = self._unary()
            if kind != right_kind or kind not in ("time", "int"):
                text = f"{sign} compares times or numbers only, not {kind} with {right_kind}"
                raise self.refuse(text)
            test = COMPARE[sign]
            return (lambda v: test(left(v), right(v))), "bool"
        if sign == "in":
            self._take()
            if kind not in ("string", "int"):
                raise self.refuse(f"'in' looks for a string or number, not a {kind}")
            items = self._list(kind)
            return (lambda v: left(v) in items), "bool"
        return left, kind

    def _list(self, kind: str) -> list[str | int]:
        self._take("[")
        items: list[str | int] = []
        while self._peek()[1] != "]":
            if items:
                self._take(",")
            items.append(self._literal() if kind == "string" else self._number())
        self._take("]")
        return items

    def _number(self) -> int:
        kind, text = self._take()
        if kind != "number":
            raise self.refuse(f"a number expected, found {text!r}")
        return int(text)

    def _literal(self) -> str:
        kind, text = self._take()
        if kind != "string":
            raise self.refuse(f"a string literal expected, found {text!r}")
        # the tokenizer lets only \' \" and \\ through
        return re.sub(r"\\(.)", r"\1", text[1:-1])

    def _unary(self) -> tuple[_Node, str]:
        if self._peek() == ("op", "!"):
            self._take()
            self._count()
            node, kind = self._unary()
            if kind != "bool":
                raise self.refuse(f"! negates a bool, not a {kind}")
            return (lambda v: node(v) is not True), "bool"
        return self._primary()

    def _primary(self) -> tuple[_Node, str]:
        kind, text = self._peek()
        if kind == "string":
            literal = self._literal()
            return self._method((lambda _: literal), "string")
        if kind == "number":
            number = self._number()
            return (lambda _: number), "int"
        if (kind, text) == ("op", "("):
            self._take()
            inner = self.either()
            self._take(")")
            return inner
        if kind == "name" and text in ("true", "false"):
            self._take()
            return (lambda _: text == "true"), "bool"
        if kind == "name" and text == "timestamp":
            return self._timestamp()
        if kind == "name":
            return self._path()
        raise self.refuse(f"{text or 'the end'!r} is not understood here")

    def _timestamp(self) -> tuple[_Node, str]:
        self._take()
        self._take("(")
        text = self._literal()
        self._take(")")
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            raise self.refuse(f"{text!r} is not an RFC 3339 time") from None
        fixed = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
        return (lambda _: fixed), "time"

    def _path(self) -> tuple[_Node, str]:
        path = self._take()[1]
        while path not in self._names and self._peek() == ("op", "."):
            self._take()
            path += "." + self._take()[1]
            if path == "api.getAttribute":
                return self._attribute()
        if path not in self._names:
            raise self.refuse(f"{path!r} is not known here")
        kind = "time" if path == "request.time" else "string"
        return self._method((lambda v: v[path]), kind)

    def _attribute(self) -> tuple[_Node, str]:
        if not self._attributes:
            raise self.refuse("api.getAttribute is allowed in credential access boundaries only")
        self._take("(")
        name = self._literal()
        self._take(",")
        default = self._literal()
        self._take(")")
        return self._method((lambda v: v.get(ATTRIBUTE + name, default)), "string")

    def _method(self, node: _Node, kind: str) -> tuple[_Node, str]:
        if self._peek() != ("op", "."):
            return node, kind
        self._take()
        name = self._take()[1]
        function = FUNCTIONS.get((kind, name))
        if function is None:
            raise self.refuse(f"the function {name!r} of a {kind} is not understood")
        words = self._arguments(name, function.least, function.most)
        if problem := function.check(*words):
            raise self.refuse(problem)
        work = function.work
        return self._method((lambda v: work(node(v), *words)), function.kind)

    def _arguments(self, name: str, least: int, most: int) -> list[str]:
        self._take("(")
        words: list[str] = []
        while self._peek()[1] != ")":
            if words:
                self._take(",")
            words.append(self._literal())
        self._take(")")
        if not least <= len(words) <= most:
            raise self.refuse(f"{name} takes {least} to {most} arguments, not {len(words)}")
        return words
