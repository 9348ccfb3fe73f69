"""Instances of the notebook's own dataclasses, named tuples and enumerations, as JSON with tags.

Written are the class's name and the fields. Their class must be one of the notebook's, and on reading it must
be defined where the value is read: nothing of a class is in the bytes, and none of its code runs, neither
``__init__`` nor a property. Refuses classes of modules, classes inside of functions, and fields that differ.
"""

from __future__ import annotations

import contextlib
import dataclasses
import enum
import sys
import types
from contextvars import ContextVar
from typing import Any, Callable, Iterator, Mapping, Optional

from argovx_lab.codecs.base import NEEDED
from argovx_lab.codecs.leaves import TAG
from argovx_lab.errors import CodecError, NotDefinedHere

_NAMES: ContextVar[Optional[Mapping[str, Any]]] = ContextVar("argovx_names", default=None)

_MAIN = ("__main__", "__mp_main__")

_Inner = Callable[[Any], Any]


@contextlib.contextmanager
def classes_of(names: Mapping[str, Any]) -> Iterator[None]:
    """Have classes looked up in ``names``, instead of in ``__main__``, meanwhile."""
    token = _NAMES.set(names)
    try:
        yield
    finally:
        _NAMES.reset(token)


def kind_of(value: Any) -> str:
    """Return ``enum``, ``named tuple`` or ``dataclass`` for an instance of one; else an empty text."""
    kind = type(value)
    if isinstance(value, enum.Enum):
        return "enum"
    if isinstance(value, tuple) and isinstance(getattr(kind, "_fields", None), tuple):
        return "named tuple"
    return "dataclass" if isinstance(kind.__dict__.get("__dataclass_fields__"), dict) else ""


def is_instance(value: Any) -> bool:
    """Tell whether a value is an instance of a class of the notebook's own that may travel."""
    return type(value).__module__ in _MAIN and kind_of(value) != ""


def pack_instance(value: Any, path: str, pack: Callable[[Any, str], Any]) -> Any:
    """Return the document of an instance; raises `CodecError` when it would come back as another."""
    kind, name = kind_of(value), type(value).__qualname__
    if _names().get(name) is not type(value):
        raise CodecError(
            "%s is of a class %s that the notebook no longer has, or that a function made" % (path, name),
            hint="Define %s at the top level of a cell, and make the value again." % name.rpartition(".")[2],
        )
    if kind == "enum":
        if type(value).__members__.get(str(value.name)) is not value:
            raise CodecError("%s is a combination of members of %s" % (path, name), hint="Pass .value of it.")
        fields = [[value.name, pack(value.value, path + ".value")]]
    else:
        found = _fields(value, kind, path)
        fields = [[field, pack(item, "%s.%s" % (path, field))] for field, item in found.items()]
        _same(_made(type(value), kind, found), found, kind, path)
    needed = NEEDED.get()
    if needed is not None:
        needed.append(name)
    return {TAG: "instance", "kind": kind, "class": name, "v": fields}


def unpack_instance(fields: Any, document: Any, unpack: _Inner) -> Any:
    """Return the instance of a document, of the class that has its name here."""
    name, kind = document["class"], document["kind"]
    cls = _names().get(name) if isinstance(name, str) else None
    if cls is None:
        raise NotDefinedHere(
            "its class %.60s is not defined here" % (name,),
            hint="Run the cell that defines it; in a step, let the cell or one of its functions name it.",
        )
    values = {field: unpack(item) for field, item in fields}
    if not isinstance(cls, type) or _kind_of_class(cls) != kind:
        raise CodecError("what is called %.60s here is no %.20s" % (name, kind), hint="Run its cell again.")
    if kind == "enum":
        (member, value), *_ = values.items()
        found = cls.__members__.get(member)  # type: ignore[attr-defined]
        if found is None or found.value != value:
            raise CodecError(
                "%s has no member %.40r of this value here" % (name, member), hint="Run its cell again."
            )
        return found
    there = _field_names(cls, kind)
    if list(values) != there:
        raise CodecError(
            "%s has other fields here: %.120s, not %.120s" % (name, ", ".join(there), ", ".join(values)),
            hint="Run the cell that made the value with the class that is here.",
        )
    return _made(cls, kind, values)


def _names() -> Mapping[str, Any]:
    names = _NAMES.get()
    return names if names is not None else sys.modules["__main__"].__dict__


def _kind_of_class(cls: type) -> str:
    if issubclass(cls, enum.Enum):
        return "enum"
    if issubclass(cls, tuple) and isinstance(getattr(cls, "_fields", None), tuple):
        return "named tuple"
    return "dataclass" if isinstance(cls.__dict__.get("__dataclass_fields__"), dict) else ""


def _field_names(cls: Any, kind: str) -> list[str]:
    return list(cls._fields) if kind == "named tuple" else [field.name for field in dataclasses.fields(cls)]


def _fields(value: Any, kind: str, path: str) -> dict[str, Any]:
    cls: Any = type(value)
    own = getattr(value, "__dict__", None) or {}
    if kind == "named tuple":
        names = _field_names(cls, kind)
        found = dict(zip(names, tuple.__iter__(value)))
        fits = len(names) == tuple.__len__(value)
    else:
        names = _field_names(cls, kind)
        found = {name: _get(value, cls, name) for name in names}
        fits = not any(item is _ABSENT for item in found.values())
    odd = sorted(set(own) - set(names if kind == "dataclass" else ()))
    if odd or not fits:
        told = "attributes that are no fields (%s)" % ", ".join(odd) if odd else "fields without a value"
        raise CodecError(
            "%s is a %s with %s" % (path, cls.__name__, told), hint="Make them fields, or drop them."
        )
    return found


_ABSENT = object()


def _get(value: Any, cls: type, name: str) -> Any:
    """Return a field's value without running a property."""
    own = getattr(value, "__dict__", None) or {}
    if name in own:
        return own[name]
    slot = _slot(cls, name)
    try:
        return _ABSENT if slot is None else slot.__get__(value, cls)
    except AttributeError:
        return _ABSENT


def _slot(cls: type, name: str) -> Any:
    found = next((vars(base)[name] for base in cls.__mro__ if name in vars(base)), None)
    return found if isinstance(found, types.MemberDescriptorType) else None


def _made(cls: type, kind: str, values: dict[str, Any]) -> Any:
    """Return an instance with these fields; nothing of the class runs."""
    if kind == "named tuple":
        return tuple.__new__(cls, list(values.values()))
    try:
        made: Any = object.__new__(cls)
    except TypeError as error:
        raise CodecError("%s is a class whose instances only its own code makes" % cls.__name__) from error
    for name, item in values.items():
        slot = _slot(cls, name)
        if slot is not None:
            slot.__set__(made, item)
        else:
            made.__dict__[name] = item
    return made


def _same(made: Any, fields: dict[str, Any], kind: str, path: str) -> None:
    back = _fields(made, kind, path)
    if any(back[name] is not item for name, item in fields.items()):
        raise CodecError("%s would come back as another" % path, hint="Pass its fields as a dict.")
