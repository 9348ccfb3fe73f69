"""Vertex's protobuf messages without the SDK: classes made from the committed descriptor set.

Owns the two borders of a call: JSON of REST ↔ message, and message ↔ the plain dict that handlers see.
In those dicts names are the proto's own (snake_case), enums are names, 64-bit integers are strings as
protobuf JSON has them, and a ``FieldMask`` is a list of snake_case paths. Unknown JSON fields are
refused with their path, as Google does.
Source: https://protobuf.dev/programming-guides/json/
"""

from __future__ import annotations

import re
import zlib
from functools import cache
from pathlib import Path
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory
from google.protobuf.message import DecodeError, Message

from argovx_lab.sandbox.google.errors import GoogleError, invalid

SCHEMA = Path(__file__).parent / "schema"
_MASK = "google.protobuf.FieldMask"
#: Messages whose JSON form is not an object of their fields.
_WRAPPED = ("Bool", "Int32", "Int64", "UInt32", "UInt64", "Float", "Double", "String", "Bytes")
SPECIAL = frozenset(
    f"google.protobuf.{name}"
    for name in (
        *("Any", "Struct", "Value", "ListValue", "Timestamp", "Duration", "FieldMask"),
        *(f"{kind}Value" for kind in _WRAPPED),
    )
)


@cache
def pool() -> Any:
    """Return the descriptor pool of everything the sandbox emulates."""
    files = descriptor_pb2.FileDescriptorSet.FromString(
        zlib.decompress((SCHEMA / "descriptors.binpb.z").read_bytes())
    )
    found = descriptor_pool.DescriptorPool()
    for file in files.file:
        found.Add(file)
    return found


@cache
def message_class(name: str) -> type[Message]:
    """Return the class of a full message name."""
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(name))  # type: ignore[no-any-return]


def snake(path: str) -> str:
    """Return ``displayName`` as ``display_name``."""
    return re.sub(r"(?<!^)(?<!\.)([A-Z])", r"_\1", path).lower() if path != path.lower() else path


def parse_bytes(name: str, data: bytes) -> Message:
    """Return a message from its wire form."""
    message = message_class(name)()
    try:
        message.ParseFromString(data)
    except DecodeError as error:
        raise GoogleError("INVALID_ARGUMENT", f"Request is not a valid {name}.") from error
    return message


def parse_json(name: str, value: dict[str, Any]) -> Message:
    """Return a message from REST JSON; unknown names and wrong types are INVALID_ARGUMENT."""
    message = message_class(name)()
    problems: dict[str, str] = {}
    cleaned = _check(message.DESCRIPTOR, value, "", problems)
    if problems:
        raise GoogleError("INVALID_ARGUMENT", "\n".join(problems.values()), fields=problems)
    try:
        json_format.ParseDict(cleaned, message, descriptor_pool=pool())
    except (json_format.ParseError, OverflowError) as error:
        raise invalid(f"Invalid JSON payload received. {error}") from error
    return message


def _check(descriptor: Any, value: Any, path: str, problems: dict[str, str]) -> Any:
    """Return ``value`` ready for the parser; note each unknown name in ``problems``."""
    if descriptor.full_name == _MASK and isinstance(value, str):
        return ",".join(camel(snake(p.strip())) for p in value.split(",") if p.strip())
    if descriptor.full_name in SPECIAL or value is None:
        return value
    if not isinstance(value, dict):
        text = f"Invalid value at '{path}': a message of type {descriptor.full_name} is a JSON object."
        problems[path] = text
        return value
    fields = descriptor.fields_by_name
    by_json = descriptor.fields_by_camelcase_name
    cleaned: dict[str, Any] = {}
    for key, item in value.items():
        field = fields.get(key) or by_json.get(key)
        if field is None:
            where = f" at '{path}'" if path else ""
            text = f'Invalid JSON payload received. Unknown name "{key}"{where}: Cannot find field.'
            problems[f"{path}.{key}".lstrip(".")] = text
            continue
        cleaned[key] = _check_field(field, item, f"{path}.{field.name}".lstrip("."), problems)
    return cleaned


def _check_field(field: Any, item: Any, path: str, problems: dict[str, str]) -> Any:
    kind = field.message_type
    if kind is None:
        return item
    if kind.GetOptions().map_entry:
        inner = kind.fields_by_name["value"].message_type
        if inner is None or not isinstance(item, dict):
            return item
        return {k: _check(inner, v, f"{path}.{k}", problems) for k, v in item.items()}
    if field.is_repeated:
        if not isinstance(item, list):
            return item
        return [_check(kind, v, f"{path}[{i}]", problems) for i, v in enumerate(item)]
    return _check(kind, item, path, problems)


def camel(path: str) -> str:
    """Return ``display_name`` as ``displayName``."""
    return re.sub(r"_([a-z])", lambda m: m.group(1).upper(), path)


def to_json(message: Message, *, int_enums: bool = False) -> dict[str, Any]:
    """Return the REST form: camelCase, defaults left out."""
    return json_format.MessageToDict(  # type: ignore[no-any-return]
        message, use_integers_for_enums=int_enums, descriptor_pool=pool()
    )


def to_dict(message: Message) -> dict[str, Any]:
    """Return the plain dict that handlers see."""
    masks = {}
    fields = message.ListFields()
    if all(field.type == field.TYPE_STRING and not field.is_repeated for field, _ in fields):
        return {field.name: value for field, value in fields}  # as most requests are
    for field, value in fields:
        if field.message_type is not None and field.message_type.full_name == _MASK:
            masks[field.name] = [snake(path) for path in value.paths]
            message.ClearField(field.name)
    try:
        found = json_format.MessageToDict(message, preserving_proto_field_name=True, descriptor_pool=pool())
    except (json_format.SerializeToJsonError, ValueError, TypeError) as error:
        raise invalid(f"Request contains an invalid argument: {error}") from error
    return {**found, **masks}


def from_dict(name: str, value: dict[str, Any]) -> Message:
    """Return the message of a handler's dict."""
    message = message_class(name)()
    json_format.ParseDict(value, message, descriptor_pool=pool())
    return message
