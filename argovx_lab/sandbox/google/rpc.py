"""The RPC table: which method a gRPC path or an HTTP request means.

Owns the match of HTTP rules (a trie of path segments, literals before ``*``, custom verbs after ``:``).
It reads what ``generate`` wrote from the vendor's packages, and knows no method by heart.
Source: https://google.aip.dev/127, google/api/http.proto
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import Any
from urllib.parse import unquote

from argovx_lab.sandbox.google.messages import SCHEMA

_VARIABLE = re.compile(r"\{([a-z0-9_.]+)(?:=([^}]+))?\}")


@dataclass(frozen=True)
class Rpc:
    """One method.

    Parameters
    ----------
    path : str
        ``/package.Service/Method``, as gRPC spells it.
    request, response : str
        Full message names; empty where the service is known by name only.
    """

    path: str
    request: str = ""
    response: str = ""

    @property
    def name(self) -> str:
        """``google.cloud.aiplatform.v1.JobService.CreateCustomJob``."""
        return self.path[1:].replace("/", ".")

    @property
    def service(self) -> str:
        """``google.cloud.aiplatform.v1.JobService``."""
        return self.path[1:].partition("/")[0]

    @property
    def described(self) -> bool:
        """Whether its messages are in the descriptor set."""
        return bool(self.request)


def decoded(raw: str) -> str:
    """Return a raw path with its segments decoded; a slash within a segment stays ``%2F``."""
    return "/".join(unquote(part).replace("/", "%2F") for part in raw.partition("?")[0].split("/"))


def verb(method: Rpc) -> str:
    """Return ``testIamPermissions`` of ``…/TestIamPermissions``."""
    name = method.path.rpartition("/")[2]
    return name[:1].lower() + name[1:]


@dataclass(frozen=True)
class Match:
    """An HTTP request's method, its path variables, and which field the body fills (``*``: all)."""

    rpc: Rpc
    variables: dict[str, str]
    body: str


@dataclass
class _Node:
    children: dict[str, _Node] = field(default_factory=dict)
    leaves: dict[str, tuple[Rpc, list[tuple[str, int, int]], str]] = field(default_factory=dict)


class RpcTable:
    """Every method the installed clients can call."""

    def __init__(self, data: dict[str, Any]) -> None:
        self.versions: dict[str, str] = data["versions"]
        self._by_path: dict[str, Rpc] = {}
        self._rules: list[tuple[Rpc, list[list[str]]]] = []
        for path, entry in data["rpcs"].items():
            self._add(Rpc(path, entry["request"], entry["response"]), entry["http"])
        for path, rules in data["others"].items():
            self._add(Rpc(path), rules)

    def _add(self, rpc: Rpc, rules: list[list[str]]) -> None:
        self._by_path[rpc.path] = rpc
        self._rules.append((rpc, rules))

    @cached_property
    def _tree(self) -> tuple[_Node, set[str]]:
        """The trie and all custom verbs, made for the first REST call: a start has no use for them."""
        root, verbs = _Node(), set()
        for rpc, rules in self._rules:
            for method, template, body in rules:
                variables: list[tuple[str, int, int]] = []
                segments, verb = _segments(template, variables)
                node = root
                for segment in segments:
                    node = node.children.setdefault(segment, _Node())
                node.leaves.setdefault(f"{method.upper()} {verb}", (rpc, variables, body))
                verbs.add(verb)
        return root, verbs

    def methods(self) -> list[Rpc]:
        """Return every method that is known at least by name."""
        return list(self._by_path.values())

    def by_path(self, path: str) -> Rpc | None:
        """Return the method of a gRPC path, or ``None``."""
        return self._by_path.get(path)

    def route(self, method: str, path: str) -> Match | None:
        """Return what an HTTP request means, or ``None``."""
        root, verbs = self._tree
        head, colon, verb = path.rpartition(":")
        if not colon or verb not in verbs or "/" in verb:
            head, verb = path, ""
        parts = head.strip("/").split("/")
        for node in _walk(root, parts, 0):
            leaf = node.leaves.get(f"{method} {verb}")
            if leaf:
                rpc, variables, body = leaf
                found = {n: "/".join(parts[a : b or None]) for n, a, b in variables}
                return Match(rpc, found, body)
        return None


def _walk(node: _Node, parts: list[str], at: int) -> Iterator[_Node]:
    if at == len(parts):
        yield node
        return
    for key in (parts[at], "*"):
        child = node.children.get(key)
        if child is not None and parts[at]:
            yield from _walk(child, parts, at + 1)
    rest = node.children.get("**")
    if rest is not None:
        yield rest


def _segments(template: str, variables: list[tuple[str, int, int]]) -> tuple[list[str], str]:
    """Return the segments of a template and its custom verb; note where each variable lies."""
    head, _, verb = template.rpartition(":") if ":" in template.rpartition("}")[2] else (template, "", "")
    segments: list[str] = []
    for piece in re.split(r"/(?![^{]*\})", head.strip("/")):
        variable = _VARIABLE.fullmatch(piece)
        if variable is None:
            segments.append(piece)
            continue
        inner = (variable[2] or "*").split("/")
        end = 0 if inner[-1] == "**" else len(segments) + len(inner)
        variables.append((variable[1], len(segments), end))
        segments += inner
    return segments, verb


@cache
def table() -> RpcTable:
    """Return the committed table."""
    return RpcTable(json.loads((SCHEMA / "rpcs.json").read_text(encoding="utf-8")))
