"""How datasets are called: ``dataset:NAME@VERSION``, and what may be in one.

Owns the spelling. Refuses codecs whose bytes run what they say. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from argovx_lab.errors import SpecError

#: What an input that is a dataset begins with.
SCHEME = "dataset:"

#: Codecs whose bytes are run when they are read. A dataset is read by others, under their own rights.
RUN_WHEN_READ = frozenset({"pickle", "function"})

USAGE = "Write dataset:NAME@3, dataset:NAME@ALIAS or dataset:NAME (the newest version)."

_NAME = re.compile(r"[a-z](?:[a-z0-9_-]{0,58}[a-z0-9])?\Z", re.ASCII)
_NUMBER = re.compile(r"[1-9][0-9]{0,7}\Z", re.ASCII)
_SHORT = re.compile(r"sha256:([0-9a-f]{8,64})\Z", re.ASCII)


@dataclass(frozen=True)
class Wanted:
    """A dataset as it is written, before it is looked up.

    Parameters
    ----------
    number : int
        Of a version, from 1; 0 when it is named otherwise.
    alias, digest : str
        Name of an alias; the first digits of a version's digest. All empty: the newest version.
    """

    name: str
    number: int = 0
    alias: str = ""
    digest: str = ""

    @property
    def text(self) -> str:
        """As it is written, without the scheme."""
        version = str(self.number or "") or self.alias or (f"sha256:{self.digest}" if self.digest else "")
        return f"{self.name}@{version}" if version else self.name


def is_reference(value: object) -> bool:
    """Tell whether a literal of a signature names a dataset."""
    return isinstance(value, str) and value.startswith(SCHEME)


def parse(text: str) -> Wanted:
    """Read ``NAME``, ``NAME@3``, ``NAME@ALIAS`` or ``NAME@sha256:9f3a…``, with or without ``dataset:``.

    Raises
    ------
    SpecError
        For anything else.
    """
    name, at, version = text.removeprefix(SCHEME).partition("@")
    check_name(name)
    if not at:
        return Wanted(name)
    short = _SHORT.match(version)
    if short:
        return Wanted(name, digest=short.group(1))
    if _NUMBER.match(version):
        return Wanted(name, number=int(version))
    if _NAME.match(version):
        return Wanted(name, alias=version)
    raise SpecError(f"{version[:60]!r} is no version of dataset {name}", hint=USAGE)


def check_name(name: str, what: str = "a dataset") -> str:
    """Return a name that a dataset or alias may have.

    Raises
    ------
    SpecError
        For any other.
    """
    if not _NAME.match(name):
        raise SpecError(
            f"{name[:60]!r} cannot name {what}",
            hint="Use lower-case letters, digits, '-' and '_', at most 60, a letter first.",
        )
    return name


def check_codec(codec: str) -> str:
    """Return a codec whose bytes are only read, never run.

    Raises
    ------
    SpecError
        For one that would run them.
    """
    if codec in RUN_WHEN_READ:
        raise SpecError(
            f"a dataset cannot be {codec}: reading it would run what somebody else wrote",
            hint="Put it as a frame, an array, JSON or a file.",
        )
    return codec
