"""Messages by name, read from the tables of field numbers."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from argovx_lab.sandbox.kubernetes.protobuf import fields_objects, fields_pods

_FIELD: Final = re.compile(r"([+\w]+):(\w+)([?*%!]?)=(\d+)")


@dataclass(frozen=True)
class Field:
    """One field of a message.

    Parameters
    ----------
    name : str
        As in JSON; ``+`` when the fields inside belong to the outer message.
    type : str
        A plain type or the name of a message.
    mark : str
        ``*`` list, ``%`` map, ``?`` or ``!`` kept when zero, else empty.
    """

    name: str
    type: str
    mark: str


Message = Mapping[int, Field]


@cache
def messages() -> Mapping[str, Message]:
    """Return every message that can be read, by name, its fields by number."""
    found = {}
    text = (fields_objects.TEXT + fields_pods.TEXT).replace("\n    ", " ")
    for line in text.split("\n"):
        name, _, words = line.partition(": ")
        if name:
            found[name] = {int(number): Field(*rest) for *rest, number in map(_parts, words.split())}
    return found


def _parts(word: str) -> tuple[str, str, str, str]:
    match = _FIELD.fullmatch(word)
    assert match is not None, word
    name, kind, mark, number = match.groups()
    return name, kind, mark, number


_AUTHN, _AUTHZ = "authentication.k8s.io/v1", "authorization.k8s.io/v1"
_RBAC = "rbac.authorization.k8s.io/v1"
#: Kinds whose bodies are read, with the version that they must be in. Messages have the names of their kinds.
KINDS: Final[Mapping[str, str]] = {
    **dict.fromkeys(("Binding", "ConfigMap", "Event", "Namespace", "Pod", "ResourceQuota"), "v1"),
    **dict.fromkeys(("Secret", "ServiceAccount"), "v1"),
    **dict.fromkeys(("SelfSubjectReview", "TokenRequest", "TokenReview"), _AUTHN),
    **dict.fromkeys(("SelfSubjectAccessReview", "SelfSubjectRulesReview"), _AUTHZ),
    **dict.fromkeys(("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"), _RBAC),
    "Eviction": "policy/v1",
    "Lease": "coordination.k8s.io/v1",
}
#: Of every version: they travel with the objects of any.
EVERYWHERE: Final = ("DeleteOptions",)
