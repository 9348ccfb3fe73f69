"""``when`` conditions: the part of govaluate's language that Argo users write.

Bare words are strings, quotes are optional, ``==  !=  <  >  <=  >=  =~  !~  in  && || ! ( )`` work.
``{{=…}}`` has been replaced before; what is left must come out true or false.
"""

from __future__ import annotations

import re
from typing import Any

from argovx_lab.sandbox.argo.errors import NodeError
from argovx_lab.sandbox.argo.expr.functions import go_string
from argovx_lab.sandbox.patterns import search

_TOKEN = re.compile(
    r"""\s*(?:(?P<op>==|!=|<=|>=|=~|!~|&&|\|\||[-+*/%<>!(),])
      |(?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*')
      |(?P<word>\[[^\]]*\]|[^\s()<>=!&|,"'+*/%~-]+))""",
    re.VERBOSE,
)
_NUMBER = re.compile(r"\d+(?:\.\d+)?\Z")


def should_execute(condition: str | None) -> bool:
    """Tell whether a step runs.

    Raises
    ------
    NodeError
        When the condition cannot be read or is not boolean; the message carries it.
    """
    if condition is None or not condition.strip():
        return True
    try:
        reader = _Reader(condition)
        result = reader.either()
        reader.end()
    except _SyntaxProblem as error:
        raise NodeError(f"Invalid 'when' expression '{condition}': {error}") from None
    except RecursionError:
        raise NodeError(f"Invalid 'when' expression '{condition[:200]}…': it nests too deeply") from None
    except (ValueError, TypeError, ArithmeticError, re.error) as error:
        # the spelling is Argo's
        raise NodeError(f"Failed to evaluate 'when' expresion '{condition}': {error}") from None
    if isinstance(result, str) and result in ("true", "false"):
        result = result == "true"
    if not isinstance(result, bool):
        raise NodeError(f"Expected boolean evaluation for '{condition}'. Got {_shown(result)}")
    return result


class _SyntaxProblem(ValueError):
    """The text is no condition at all."""


def _shown(value: Any) -> str:
    return go_string(value)


class _Reader:
    def __init__(self, text: str) -> None:
        self.items: list[tuple[str, str]] = []
        self.at = 0
        position = 0
        while text[position:].strip():
            match = _TOKEN.match(text, position)
            if match is None:
                raise _SyntaxProblem(f"Invalid token: '{text[position:].strip()}'")
            self.items.append((str(match.lastgroup), match.group(str(match.lastgroup))))
            position = match.end()

    def take(self, *operators: str) -> str:
        if self.at < len(self.items):
            kind, text = self.items[self.at]
            if text in operators and kind in ("op", "word"):
                self.at += 1
                return text
        return ""

    def end(self) -> None:
        if self.at < len(self.items):
            raise self._misplaced()

    def _misplaced(self) -> _SyntaxProblem:
        """Say what cannot follow what, in govaluate's words."""
        before = _named(*self.items[self.at - 1]) if self.at else "UNKNOWN [<nil>]"
        here = _named(*self.items[self.at])
        return _SyntaxProblem(f"Cannot transition token types from {before} to {here}")

    def either(self) -> Any:
        left = self.both()
        while self.take("||"):
            right = self.both()
            left = _flag(left) or _flag(right)
        return left

    def both(self) -> Any:
        left = self.compared()
        while self.take("&&"):
            right = self.compared()
            left = _flag(left) and _flag(right)
        return left

    def compared(self) -> Any:
        left = self.sum()
        operator = self.take("==", "!=", "<", ">", "<=", ">=", "=~", "!~", "in")
        if not operator:
            return left
        return _compare(operator, left, self.sum())

    def sum(self) -> Any:
        left = self.product()
        while operator := self.take("+", "-"):
            right = self.product()
            if operator == "+" and (isinstance(left, str) or isinstance(right, str)):
                left = f"{_shown(left)}{_shown(right)}"
            else:
                _need_numbers("modifier", operator, left, right)
                left = left + right if operator == "+" else left - right
        return left

    def product(self) -> Any:
        left = self.single()
        while operator := self.take("*", "/", "%"):
            right = self.single()
            _need_numbers("modifier", operator, left, right)
            if operator != "*" and right == 0:
                raise ValueError("division by zero")
            left = left * right if operator == "*" else left / right if operator == "/" else left % right
        return left

    def single(self) -> Any:
        if self.take("!"):
            return not _flag(self.single())
        if self.take("-"):
            return -self.single()
        if self.take("("):
            inner = self.either()
            if self.take(","):
                inner = [inner, self.either()]
                while self.take(","):
                    inner.append(self.either())
            if not self.take(")"):
                raise _SyntaxProblem("Unbalanced parenthesis")
            return inner
        if self.at >= len(self.items):
            raise _SyntaxProblem("Unexpected end of expression")
        kind, text = self.items[self.at]
        if kind == "op":
            raise self._misplaced()
        self.at += 1
        return _literal(kind, text)


def _need_numbers(what: str, operator: str, *values: Any) -> None:
    for value in values:
        if isinstance(value, bool) or not isinstance(value, float):
            shown = "true" if value is True else "false" if value is False else value
            raise ValueError(
                f"Value '{shown}' cannot be used with the {what} '{operator}', it is not a number"
            )


_KINDS = {
    **dict.fromkeys(("==", "!=", "<", ">", "<=", ">=", "=~", "!~"), "COMPARATOR"),
    **dict.fromkeys(("&&", "||"), "LOGICALOP"), **dict.fromkeys("+-*/%", "MODIFIER"),
    "(": "CLAUSE", ")": "CLAUSE_CLOSE", "!": "PREFIX", ",": "SEPARATOR",
}  # fmt: skip


def _named(kind: str, text: str) -> str:
    """Return a token as govaluate shows it: its kind and its value."""
    if kind == "op":
        return f"{_KINDS[text]} [{text}]"
    value = _literal(kind, text)
    if isinstance(value, bool):
        return f"BOOLEAN [{text}]"
    if isinstance(value, float):
        return f"NUMERIC [{_shown(value)}]"
    return f"{'STRING' if kind == 'string' else 'VARIABLE'} [{value}]"


def _literal(kind: str, text: str) -> Any:
    if kind == "string":
        return re.sub(r"\\(.)", r"\1", text[1:-1])
    if text in ("true", "false"):
        return text == "true"
    if _NUMBER.match(text):
        return float(text)
    return text


def _flag(value: Any) -> bool:
    if value in ("true", "false"):
        return bool(value == "true")
    if not isinstance(value, bool):
        raise ValueError(f"expected true or false, got {value}")
    return value


def _compare(operator: str, left: Any, right: Any) -> bool:
    if operator in ("==", "!="):
        same = _plain(left) == _plain(right)
        return same if operator == "==" else not same
    if operator in ("=~", "!~"):
        found = search(str(right), str(left)) is not None
        return found if operator == "=~" else not found
    if operator == "in":
        return any(_plain(left) == _plain(x) for x in (right if isinstance(right, list) else [right]))
    if not (isinstance(left, str) and isinstance(right, str)):
        _need_numbers("comparator", operator, left, right)
    return bool({"<": left < right, ">": left > right, "<=": left <= right, ">=": left >= right}[operator])


def _plain(value: Any) -> Any:
    return ("bool", value) if isinstance(value, bool) else value
