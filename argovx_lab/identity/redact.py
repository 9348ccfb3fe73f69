"""Keeping tokens out of logs, representations and pickles.

Owns the shapes that count as a token and the logging filter that removes them. Refuses to be clever: what
looks like a token is cut, even when it is none.
"""

from __future__ import annotations

import logging
import re
from typing import NoReturn

#: What replaces a token.
MASK = "[redacted]"

_SHAPES = re.compile(
    r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{3,}\.[A-Za-z0-9_-]*"  # JWT
    r"|ya29\.[A-Za-z0-9_.-]+"  # Google access token
    r"|(?i:(?<=bearer )[A-Za-z0-9._~+/=-]{8,})"
    r"|(?i:(?<=subject_token=)[^&\s\"']+)"
    r"|(?i:(?<=access_token=)[^&\s\"']+)"
    r"|(?i:(?<=access_token\": \")[^\"]+)"
    r"|(?i:(?<=access_token\":\")[^\"]+)"
)


class Unpicklable:
    """Mix-in for objects that hold a token: they neither pickle nor copy, and their ``repr`` says nothing."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {MASK}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds a token and cannot be pickled or copied")


class Secret(Unpicklable):
    """A string that is shown to nobody by accident.

    Parameters
    ----------
    text : str
        The token.
    """

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def __str__(self) -> str:
        return MASK

    def __format__(self, spec: str) -> str:
        return MASK

    def reveal(self) -> str:
        """Return the token itself, for a request header."""
        return self._text


def redact(text: str) -> str:
    """Return ``text`` without anything that looks like a token."""
    return _SHAPES.sub(MASK, text)


class RedactionFilter(logging.Filter):
    """Rewrites log records so that no token leaves the process."""

    def filter(self, record: logging.LogRecord) -> bool:
        """Mask tokens in the message, its arguments and the exception text; always keeps the record."""
        message = record.getMessage()
        masked = redact(message)
        if masked != message:
            record.msg, record.args = masked, None
        if record.exc_info and not record.exc_text:
            record.exc_text = redact(logging.Formatter().formatException(record.exc_info))
        elif record.exc_text:
            record.exc_text = redact(record.exc_text)
        return True


def install(logger: logging.Logger | None = None) -> RedactionFilter:
    """Put the filter on every handler of ``logger`` (the root logger by default) and return it."""
    target = logger or logging.getLogger()
    mask = RedactionFilter()
    for handler in target.handlers:
        handler.addFilter(mask)
    return mask
