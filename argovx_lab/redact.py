"""Keeping tokens out of logs, representations and pickles.

Owns the shapes that count as a token, and what removes them from log records. Refuses to be clever: what
looks like a token is cut, even when it is none.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Any, NoReturn

#: What replaces a token.
MASK = "[redacted]"

_SHAPES = re.compile(
    r"eyJ[A-Za-z0-9_-]{5,}\.[A-Za-z0-9_-]{3,}\.[A-Za-z0-9_-]*"  # JWT
    r"|ya29\.[A-Za-z0-9_.-]+"  # Google access token
    r"|avx1\.[A-Za-z0-9_-]{8,}"  # one of the sandbox
    r"|(?i:(?<=bearer )[A-Za-z0-9._~+/=-]{8,})"
    r"|(?i:(?<=subject_token=)[^&\s\"']+)"
    r"|(?i:(?<=access_token=)[^&\s\"']+)"
    r"|(?i:(?<=refresh_token=)[^&\s\"']+)"
    r"|(?i:(?<=client_secret=)[^&\s\"']+)"
    r"|(?:(?:access|refresh|subject)_?[tT]oken|client_secret)[\"']: ?[\"'][^\"']+"  # JSON and repr
    r"|1//[A-Za-z0-9_-]{20,}"  # Google refresh token
    r"|-----BEGIN [A-Z ]{0,20}PRIVATE KEY-----(?:[^-]|-(?!----))*(?:-----END [A-Z ]{0,20}PRIVATE KEY-----)?"
    r"|(?<=://)[^\s/:@\"']+:[^\s/@\"']+(?=@)"  # user:password@host
)

#: Loggers of ours and of the libraries that carry our tokens, by the first word of their names.
_CARRIERS = frozenset({"argovx_lab", "google", "kubernetes", "requests", "urllib3"})


class Unpicklable:
    """Mix-in for objects that hold a token: they neither pickle nor copy, and their ``repr`` says nothing."""

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {MASK}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError(f"{type(self).__name__} holds a token and cannot be pickled or copied")


def redact(text: str) -> str:
    """Return ``text`` without anything that looks like a token."""
    return _SHAPES.sub(MASK, text)


def install(*, guest: bool = False) -> None:
    """Mask every log record of this process from now on, whichever handler it reaches, added now or later.

    The one place where that is done: each process of ours calls it once at its start; again is harmless.

    Parameters
    ----------
    guest : bool
        Whether the process is somebody else's (a kernel, a Jupyter Server): then records of its own loggers
        are left alone, and those of ours and of the libraries that carry our tokens are masked.
    """
    factory = logging.getLogRecordFactory()
    if isinstance(factory, _Masking):
        factory.everything = factory.everything or not guest
    else:
        logging.setLogRecordFactory(_Masking(factory, everything=not guest))


class _Masking:
    """Makes log records in which nothing looks like a token."""

    def __init__(self, make: Callable[..., logging.LogRecord], *, everything: bool) -> None:
        self._make = make
        self.everything = everything

    def __call__(self, name: str, *args: Any, **options: Any) -> logging.LogRecord:
        record = self._make(name, *args, **options)
        if self.everything or name.partition(".")[0] in _CARRIERS:
            _mask(record)
        return record


def _mask(record: logging.LogRecord) -> None:
    try:
        message = record.getMessage()
    except (TypeError, ValueError, LookupError, AttributeError, RuntimeError):
        message = f"{record.msg!r} {record.args!r}"  # logging would print both to stderr, unmasked
        record.msg, record.args = redact(message), None
    masked = redact(message)
    if masked != message:
        record.msg, record.args = masked, None
    if record.exc_info and record.exc_info[0] is not None:
        text = logging.Formatter().formatException(record.exc_info)
        masked = redact(text)
        if masked != text:
            record.exc_text, record.exc_info = masked, None
