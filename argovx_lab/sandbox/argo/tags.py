"""``{{name}}`` and ``{{=expression}}`` in the strings of a template.

A scope is a flat map from dotted names to values. Strings replace a tag as they are; other values as
JSON. Whether a tag that nothing resolves stays or is an error is the caller's choice.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from argovx_lab.sandbox.argo import gojson
from argovx_lab.sandbox.argo.errors import NodeError
from argovx_lab.sandbox.argo.expr import ExprError, evaluate, names_in

Scope = Mapping[str, Any]

_TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
#: An expression may contain ``}}`` only as the end of nested braces; two levels occur in practice.
_EXPRESSION = re.compile(r"\{\{=((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}\}", re.DOTALL)


def substitute(value: Any, scope: Scope, *, allow_unresolved: bool = False) -> Any:
    """Return a copy of ``value`` with the tags of all strings replaced.

    Parameters
    ----------
    allow_unresolved : bool
        Leave tags that the scope does not have.

    Raises
    ------
    NodeError
        ``failed to resolve {{x}}`` when a tag stays and may not, or an expression has no value.
    """
    env: list[dict[str, Any]] = []

    def lazy() -> dict[str, Any]:
        if not env:
            env.append(nested(scope))
        return env[0]

    return _walk(value, lambda text: _in_text(text, scope, lazy, allow_unresolved))


def _walk(value: Any, replace: Callable[[str], str]) -> Any:
    if isinstance(value, str):
        return replace(value) if "{{" in value else value
    if isinstance(value, list):
        return [_walk(item, replace) for item in value]
    if isinstance(value, dict):
        return {replace(k) if "{{" in k else k: _walk(v, replace) for k, v in value.items()}
    return value


def _in_text(text: str, scope: Scope, env: Callable[[], dict[str, Any]], allow_unresolved: bool) -> str:
    def expression(match: re.Match[str]) -> str:
        return _expression(match, scope, env, allow_unresolved)

    def simple(match: re.Match[str]) -> str:
        if match.group(1).startswith("="):
            return match.group()
        name = match.group(1).strip()
        if name in scope and scope[name] is not None:
            return as_text(scope[name])
        if allow_unresolved:
            return match.group()
        raise NodeError(f"failed to resolve {{{{{name}}}}}")

    return _TAG.sub(simple, _EXPRESSION.sub(expression, text))


def _expression(
    match: re.Match[str], scope: Scope, env: Callable[[], dict[str, Any]], allow_unresolved: bool
) -> str:
    source = match.group(1)
    try:
        if allow_unresolved and not all(known(name, scope) for name in names_in(source)):
            return match.group()
        result = evaluate(source, env())
    except ExprError as error:
        raise NodeError(f"failed to evaluate expression: {error}") from None
    if result is None:
        raise NodeError(f"failed to resolve {{{{={source}}}}}: the expression is nil")
    return as_text(result)


def known(name: str, scope: Scope) -> bool:
    """Tell whether a name of an expression can be read from a scope (an element ``#`` always can)."""
    if name.startswith("#"):
        return True
    prefix = name + "."
    if name in scope or any(key.startswith(prefix) for key in scope):
        return True
    parts = name.split(".")
    return any(isinstance(scope.get(".".join(parts[:n])), dict | list) for n in range(1, len(parts)))


def as_text(value: Any) -> str:
    """Return a value as it stands in a template: strings bare, everything else as JSON."""
    return value if isinstance(value, str) else gojson.dumps(value)


def nested(scope: Scope) -> dict[str, Any]:
    """Return the scope as nested maps, the environment of expressions."""
    root: dict[str, Any] = {}
    for name in sorted(scope):
        here = root
        parts = name.split(".")
        for part in parts[:-1]:
            inner = here.get(part)
            if not isinstance(inner, dict):
                inner = here[part] = {}
            here = inner
        if not isinstance(here.get(parts[-1]), dict):
            here[parts[-1]] = scope[name]
    return root


def find(value: Any) -> Iterator[str]:
    """Yield the content of every tag in ``value``, ``=`` of expressions included."""
    if isinstance(value, str):
        for match in _EXPRESSION.finditer(value):
            yield "=" + match.group(1)
        for match in _TAG.finditer(_EXPRESSION.sub("", value)):
            yield match.group(1).strip()
    elif isinstance(value, list):
        for item in value:
            yield from find(item)
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from find(key)
            yield from find(item)
