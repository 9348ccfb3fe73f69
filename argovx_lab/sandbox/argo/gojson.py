"""JSON as Go writes it and complains about it, because Argo's messages carry Go's words."""

from __future__ import annotations

import json
from typing import Any

_SPACE = " \t\r\n"
_LITERALS = {"t": "true", "f": "false", "n": "null"}


class GoJsonError(ValueError):
    """Text that is no JSON; the message is that of Go's ``encoding/json``."""


def dumps(value: Any) -> str:
    """Return compact JSON with sorted keys, as Go marshals maps (HTML characters escaped)."""
    text = json.dumps(value, separators=(",", ":"), ensure_ascii=False, sort_keys=True, allow_nan=False)
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")


def loads(text: str) -> Any:
    """Return the value of a JSON text.

    Raises
    ------
    GoJsonError
        With Go's message, such as ``invalid character 'a' looking for beginning of value``.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except ValueError:
        raise GoJsonError(_complaint(text)) from None


def _refuse_constant(name: str) -> Any:
    raise ValueError(name)


def _shown(char: str) -> str:
    return "'\\''" if char == "'" else "'\"'" if char == '"' else f"'{json.dumps(char)[1:-1]}'"


def _complaint(text: str) -> str:
    scanner = _Scanner(text)
    try:
        scanner.value()
        scanner.space()
        if scanner.at < len(text):
            return f"invalid character {_shown(text[scanner.at])} after top-level value"
    except GoJsonError as error:
        return str(error)
    return "invalid JSON"


class _Scanner:
    """Walks a text until the first character that Go would refuse."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def space(self) -> None:
        while self.at < len(self.text) and self.text[self.at] in _SPACE:
            self.at += 1

    def peek(self, context: str) -> str:
        self.space()
        if self.at >= len(self.text):
            raise GoJsonError("unexpected end of JSON input")
        del context
        return self.text[self.at]

    def refuse(self, context: str) -> None:
        raise GoJsonError(f"invalid character {_shown(self.text[self.at])} {context}")

    def value(self) -> None:
        char = self.peek("looking for beginning of value")
        if char == '"':
            self.string()
        elif char == "{":
            self.members("}", "object")
        elif char == "[":
            self.members("]", "array")
        elif char in _LITERALS:
            self.literal(_LITERALS[char])
        elif char == "-" or char.isdigit():
            self.number()
        else:
            self.refuse("looking for beginning of value")

    def literal(self, word: str) -> None:
        self.at += 1
        for position in range(1, len(word)):
            if self.at >= len(self.text):
                raise GoJsonError("unexpected end of JSON input")
            if self.text[self.at] != word[position]:
                self.refuse(f"in literal {word} (expecting {_shown(word[position])})")
            self.at += 1

    def number(self) -> None:
        if self.text[self.at] == "-":
            self.at += 1
            if self.at >= len(self.text):
                raise GoJsonError("unexpected end of JSON input")
            if not self.text[self.at].isdigit():
                self.refuse("in numeric literal")
        zero = self.text[self.at] == "0"
        self.at += 1
        while not zero and self.at < len(self.text) and self.text[self.at].isdigit():
            self.at += 1
        while (
            self.at < len(self.text)
            and self.text[self.at] in ".eE+-0123456789"
            and not (zero and self.text[self.at].isdigit())
        ):
            zero = False
            self.at += 1

    def string(self) -> None:
        self.at += 1
        while True:
            if self.at >= len(self.text):
                raise GoJsonError("unexpected end of JSON input")
            char = self.text[self.at]
            if char < " ":
                self.refuse("in string literal")
            self.at += 2 if char == "\\" else 1
            if char == '"':
                return

    def members(self, close: str, kind: str) -> None:
        self.at += 1
        first = True
        while True:
            char = self.peek("")
            if char == close and first:
                self.at += 1
                return
            if kind == "object":
                if char != '"':
                    self.refuse("looking for beginning of object key string")
                self.string()
                if self.peek("") != ":":
                    self.refuse("after object key")
                self.at += 1
            self.value()
            char = self.peek("")
            if char not in (close, ","):
                self.refuse(f"after {'object key:value pair' if kind == 'object' else 'array element'}")
            self.at += 1
            if char == close:
                return
            first = False
