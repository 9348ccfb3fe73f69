"""Text of an expression → tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass

#: Longest expression that is read. Unit: characters. Argo's own CRD caps strings far below.
LENGTH_MAX = 64 * 1024

_TOKEN = re.compile(
    r"""
    (?P<space>\s+|//[^\n]*|/\*.*?\*/)
  | (?P<number>0x[0-9a-fA-F]+|(?:\d[\d_]*)(?:\.(?!\.)\d+)?(?:[eE][+-]?\d+)?|\.\d+)
  | (?P<string>"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|`[^`]*`)
  | (?P<name>[A-Za-z_$][A-Za-z0-9_$]*)
  | (?P<op>\?\?|\?\.|\.\.|\*\*|==|!=|<=|>=|&&|\|\||[-+*/%^<>!?:,.\[\]{}()\#|])
    """,
    re.VERBOSE | re.DOTALL,
)
_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "0": "\0", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|x[0-9a-fA-F]{2}|.)", re.DOTALL)

#: Words that are operators.
WORD_OPERATORS = frozenset(("and", "or", "not", "in", "matches", "contains", "startsWith", "endsWith"))


class ExprError(ValueError):
    """An expression that cannot be read or has no value; the message says why."""


class ExprUnsupported(ExprError):
    """An expression that Argo evaluates and this engine does not; the message names what it is."""


@dataclass(frozen=True)
class Token:
    """One token: ``kind`` is number, string, name, op or end."""

    kind: str
    text: str
    value: object
    at: int


def tokens(source: str) -> list[Token]:
    """Split an expression.

    Raises
    ------
    ExprError
        At the first character that starts no token.
    """
    if len(source) > LENGTH_MAX:
        raise ExprError(f"expression of {len(source)} characters; at most {LENGTH_MAX}")
    if source.lstrip().startswith("let "):
        raise ExprUnsupported("'let' is not supported in expressions: write the value where it is used")
    found, position = [], 0
    while position < len(source):
        match = _TOKEN.match(source, position)
        if match is None:
            raise ExprError(f"unexpected {source[position]!r} at position {position} of {source!r}")
        kind, text = str(match.lastgroup), match.group()
        if kind != "space":
            found.append(_token(kind, text, position))
        position = match.end()
    found.append(Token("end", "", None, position))
    return found


def _token(kind: str, text: str, at: int) -> Token:
    if kind == "number":
        return Token(kind, text, _number(text), at)
    if kind == "string":
        body = text[1:-1]
        return Token(kind, text, body if text[0] == "`" else _ESCAPE.sub(_unescape, body), at)
    if kind == "name" and text in WORD_OPERATORS:
        return Token("op", text, None, at)
    return Token(kind, text, None, at)


def _number(text: str) -> int | float:
    if text.startswith("0x"):
        return int(text, 16)
    plain = text.replace("_", "")
    return float(plain) if re.search(r"[.eE]", plain) else int(plain)


def _unescape(match: re.Match[str]) -> str:
    code = match.group(1)
    if code[0] in "uUx" and len(code) > 1:
        return chr(int(code[1:], 16))
    return _ESCAPES.get(code, code)
