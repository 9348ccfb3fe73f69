"""REST ↔ message: path variables, query parameters and body make one request message.

Owns Google's system parameters and the refusal of unknown names.
Source: google/api/http.proto, https://cloud.google.com/apis/docs/system-parameters
"""

from __future__ import annotations

import json
from typing import Any

from google.protobuf.message import Message

from argovx_lab.sandbox.google import messages
from argovx_lab.sandbox.google.errors import GoogleError, invalid, unimplemented
from argovx_lab.sandbox.google.rpc import Match
from argovx_lab.sandbox.http import Request, Response, json_response

_SYSTEM = frozenset(
    {"$alt", "alt", "prettyPrint", "$prettyPrint", "quotaUser", "key", "$.xgafv", "$userProject"}
)
_ALT = ("", "json", "json;enum-encoding=int")
_REFUSED = ("fields", "$fields", "callback", "access_token", "oauth_token", "uploadType", "upload_protocol")
_BOOL = {"true": True, "false": False, "1": True, "0": False}


def request_message(match: Match, request: Request, body: bytes) -> tuple[Message, frozenset[str]]:
    """Return the request message, and the top-level fields that were given explicitly."""
    descriptor = messages.message_class(match.rpc.request).DESCRIPTOR
    value: dict[str, Any] = {}
    if match.body:
        sent = _json_object(body)
        if match.body == "*":
            value = sent
        else:
            value[match.body] = sent
    elif body.strip():
        _json_object(body)  # Google reads it and ignores an empty object
        if json.loads(body):
            raise invalid("Request body must be empty for this method.")
    for name, text in request.query:
        if name in _REFUSED:
            raise unimplemented(f"the query parameter '{name}'")
        if name not in _SYSTEM:
            _put(descriptor, value, name, text)
    if (alt := request.param("$alt") or request.param("alt")) not in _ALT:
        raise invalid(f"Invalid value for the query parameter alt: '{alt}'; the sandbox answers in json.")
    for path, text in match.variables.items():
        _bind(value, path.split("."), text)
    explicit = frozenset(messages.snake(name) for name in value)
    return messages.parse_json(match.rpc.request, value), explicit


def _json_object(body: bytes) -> dict[str, Any]:
    if not body.strip():
        return {}
    try:
        value = json.loads(body)
    except (ValueError, RecursionError) as error:
        reason = "Parser nesting" if isinstance(error, RecursionError) else str(error)
        raise invalid(f"Invalid JSON payload received. {reason}") from error
    if not isinstance(value, dict):
        raise invalid("Invalid JSON payload received. Root element must be a message.")
    return value


def _bind(value: dict[str, Any], path: list[str], text: str) -> None:
    """Put a path variable; it wins over what the body says."""
    for part in path[:-1]:
        inner = value.get(part)
        if not isinstance(inner, dict):
            inner = value[part] = {}
        value = inner
    value[path[-1]] = text


def _put(descriptor: Any, value: dict[str, Any], name: str, text: str) -> None:
    """Put one query parameter, ``pageSize`` or ``context.displayName``."""
    parts = name.split(".")
    for i, part in enumerate(parts):
        field = None
        if descriptor is not None:
            field = descriptor.fields_by_name.get(part) or descriptor.fields_by_camelcase_name.get(part)
        if field is None:
            raise _unknown(name)
        if i == len(parts) - 1:
            _set(field, value, text)
            return
        descriptor = field.message_type
        inner = value.setdefault(field.name, {})
        if field.is_repeated or not isinstance(inner, dict):
            raise _unknown(name)
        value = inner


def _unknown(name: str) -> GoogleError:
    text = (
        f'Invalid JSON payload received. Unknown name "{name}": Cannot bind query parameter. '
        f"Field '{name}' could not be found in request message."
    )
    return invalid(text, {name: text})


def _set(field: Any, value: dict[str, Any], text: str) -> None:
    if field.message_type is not None and not field.message_type.full_name.startswith("google.protobuf."):
        raise _unknown(field.name)
    item: Any = text
    if field.cpp_type == field.CPPTYPE_BOOL:
        if text.lower() not in _BOOL:
            raise invalid(f"Invalid value at '{field.name}' (TYPE_BOOL), \"{text}\"")
        item = _BOOL[text.lower()]
    elif field.cpp_type == field.CPPTYPE_ENUM and text.lstrip("-").isdigit():
        item = int(text)
    if field.is_repeated:
        value.setdefault(field.name, []).append(item)
    else:
        value[field.name] = item


def int_enums(request: Request) -> bool:
    """Say whether enums are wanted as numbers."""
    return (request.param("$alt") or request.param("alt")).endswith("enum-encoding=int")


def answer(body: bytes) -> Response:
    """Return a REST answer."""
    return Response(200, {"content-type": "application/json"}, body)


def failure(error: GoogleError) -> Response:
    """Return the REST answer of an error."""
    return json_response(error.to_json(), error.http_status, {"vary": "Origin", **error.headers})
