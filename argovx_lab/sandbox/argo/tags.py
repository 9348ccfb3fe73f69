"""``{{name}}`` and ``{{=expression}}`` in the strings of a template.

A scope is a flat map from dotted names to values. Strings replace a tag as they are; other values as
JSON. Whether a tag that nothing resolves stays or is an error is the caller's choice.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from argovx_lab.sandbox.argo import gojson
from argovx_lab.sandbox.argo.errors import NodeError
from argovx_lab.sandbox.argo.expr import ExprError, ExprUnsupported, evaluate, go_json, names_in

Scope = Mapping[str, Any]

_TAG = re.compile(r"\{\{(.*?)\}\}", re.DOTALL)
#: Beginnings of Argo's own names; tags with any other (of other languages) are left alone.
ROOTS = (
    "item.",
    "steps.",
    "inputs.",
    "outputs.",
    "pod.",
    "node.",
    "workflow.",
    "tasks.",
    "retries",
    "lastRetry.",
)
#: Names that become known later: an expression with one of them waits.
LATER = frozenset((
    "item", "retries", "lastRetry.exitCode", "lastRetry.status", "lastRetry.duration", "lastRetry.message",
    "workflow.status", "workflow.failures",
))  # fmt: skip
#: An expression may contain ``}}`` only as the end of nested braces; two levels occur in practice.
_EXPRESSION = re.compile(r"\{\{=((?:[^{}]|\{(?:[^{}]|\{[^{}]*\})*\})*)\}\}", re.DOTALL)


def substitute(
    value: Any, scope: Scope, *, allow_unresolved: bool = False, strict: tuple[str, ...] = ()
) -> Any:
    """Return a copy of ``value`` with the tags of all strings replaced.

    Parameters
    ----------
    allow_unresolved : bool
        Leave tags that the scope does not have.
    strict : tuple of str
        Leave them unless their name begins with one of these; expressions whose names are all there must
        have a value then.

    Raises
    ------
    NodeError
        ``failed to resolve {{x}}`` when a tag stays and may not, or an expression has no value.
    """
    return _Substitution(scope, None if allow_unresolved else strict or ("",)).walk(value)


class _Substitution:
    """One pass over a value.

    ``strict`` are the beginnings of names that must be there; ``None``: nothing must, and an expression
    that cannot be evaluated yet stays as well.
    """

    def __init__(self, scope: Scope, strict: tuple[str, ...] | None) -> None:
        self._scope, self._strict = scope, strict
        self._nested: dict[str, Any] | None = None

    def walk(self, value: Any) -> Any:
        if isinstance(value, str):
            return self._text(value) if "{{" in value else value
        if isinstance(value, list):
            return [self.walk(item) for item in value]
        if isinstance(value, dict):
            return {self._text(k) if "{{" in k else k: self.walk(v) for k, v in value.items()}
        return value

    def _text(self, text: str) -> str:
        return _TAG.sub(self._simple, _EXPRESSION.sub(self._expression, text))

    def _must(self, name: str) -> bool:
        return self._strict is not None and name.startswith(self._strict)

    def _simple(self, match: re.Match[str]) -> str:
        if match.group(1).startswith("="):
            return match.group()
        name = match.group(1).strip()
        if name in self._scope and self._scope[name] is not None:
            return as_text(self._scope[name])
        if not self._must(name):
            return match.group()
        raise NodeError(f"failed to resolve {{{{{name}}}}}")

    def _expression(self, match: re.Match[str]) -> str:
        source = match.group(1)
        try:
            missing = [n for n in names_in(source) if not known(n, self._scope)]
        except ExprError as error:
            raise NodeError(f"failed to evaluate expression: {error}") from None
        for name in missing:
            if self._must(name):
                raise NodeError(f"failed to evaluate expression: {name} is missing")
        lenient = bool(missing) or self._strict is None
        if lenient and any(name in LATER for name in missing):
            return match.group()
        return self._evaluated(source, lenient, match.group())

    def _evaluated(self, source: str, lenient: bool, unresolved: str) -> str:
        if self._nested is None:
            self._nested = nested(self._scope)
        try:
            result = evaluate(source, self._nested)
        except ExprUnsupported as error:
            raise NodeError(f"failed to evaluate expression: {error}") from None
        except ExprError as error:
            if lenient:
                return unresolved
            raise NodeError(f"failed to evaluate expression: {error}") from None
        if result is None:
            if lenient:
                return unresolved
            raise NodeError(f'failed to evaluate expression "{source}"')
        return result if isinstance(result, str) else go_json(result)


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
