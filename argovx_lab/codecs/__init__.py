"""Values as bytes by typed codecs, and back; third-party libraries are imported inside functions.

Owns the registry. A codec is chosen by the value's type or by the name after the colon
(``report:json``); ``pickle`` is never chosen by itself. Refuses, with the reason and a way out, what
would not come back the same.
"""

from __future__ import annotations

from typing import IO, Any, Iterable, Optional, Union

from argovx_lab.codecs.base import LIMIT_BYTES, Codec, Encoded, size_text, type_name
from argovx_lab.codecs.instances import classes_of
from argovx_lab.codecs.registry import codecs, detect, get, names, register
from argovx_lab.codecs.team import ID, Team
from argovx_lab.errors import CodecError

__all__ = [
    "AUTO",
    "ID",
    "LIMIT_BYTES",
    "MAYBE",
    "Codec",
    "Encoded",
    "Team",
    "classes_of",
    "decode",
    "describe",
    "detect",
    "encode",
    "get",
    "names",
    "register",
    "size_text",
    "type_name",
    "warm",
]

#: The codec name that means "by the value's type".
AUTO = "auto"

#: The same for an output that nobody named: one that cannot travel is left out, and the step says so.
MAYBE = "auto?"


def encode(
    value: Any,
    codec: str = AUTO,
    *,
    name: str = "",
    limit_bytes: int = LIMIT_BYTES,
    file: Optional[IO[bytes]] = None,
) -> Encoded:
    """Return ``value`` as bytes.

    Parameters
    ----------
    codec : str
        Name of a codec, ``auto`` or ``auto?``.
    name : str
        The value's name in the notebook, for messages.
    file : file
        Where the bytes are written to, instead of memory or a temporary file; the caller closes it.

    Raises
    ------
    CodecError
        "NAME cannot travel: it is …", with a hint.
    """
    try:
        chosen = detect(value) if codec in (AUTO, MAYBE) else get(codec)
        return chosen.encode(value, limit_bytes, file)
    except CodecError as error:
        if not name:
            raise
        hint = error.hint.replace("NAME:", name + ":")
        raise CodecError("%s cannot travel: %s" % (name, error.message), hint=hint) from error


def decode(data: Union[bytes, IO[bytes]], codec: str, *, name: str = "") -> Any:
    """Return the value that ``data`` stands for.

    Raises
    ------
    NotDefinedHere
        When a codec or a class of the user's own is not defined here.
    CodecError
        "NAME cannot be read: …", with a hint.
    """
    try:
        return get(codec).decode(data)
    except CodecError as error:
        if not name:
            raise
        raise type(error)("%s cannot be read: %s" % (name, error.message), hint=error.hint) from error


def warm(names: Iterable[str]) -> None:
    """Import what the codecs of these names import to read a value, so that it is there when its bytes are.

    Whatever goes wrong here is said when the value is read.
    """
    for codec in codecs():
        if codec.name in names:
            try:
                codec.warm()
            except Exception:  # noqa: BLE001, S112  (a library that cannot be imported may raise anything)
                continue


def describe(value: Any) -> str:
    """Return one readable line about any value, such as ``numpy array, 1797×64``; never its content."""
    for codec in codecs():
        if codec.automatic and codec.accepts(value):
            return codec.summary(value)
    return type_name(value)
