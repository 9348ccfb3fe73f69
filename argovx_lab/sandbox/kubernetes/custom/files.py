"""Definitions of Argo's kinds from files: the folder that ``ARGO_CRDS`` names.

Owns reading and refusing them by name when the sandbox starts. Nothing is fetched: the files are those of
the user's own cluster or of an Argo release.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.kinds import BY_ID, DEFINITION_RESOURCE

#: The environment variable of the sandbox.
VARIABLE = "ARGO_CRDS"
_HINT = "name a folder with the CustomResourceDefinition files of your Argo, or leave ARGO_CRDS out"


def _paths(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise SandboxError(f"ARGO_CRDS: {folder} is no folder", hint=_HINT)
    return sorted(path for path in folder.iterdir() if path.suffix in (".yaml", ".yml", ".json"))


def digest(folder: Path) -> str:
    """Return what tells the files of a folder from others; see :func:`definitions` for errors."""
    found = hashlib.sha256()
    for path in _paths(folder):
        try:
            found.update(f"{path.name}\0{hashlib.sha256(path.read_bytes()).hexdigest()}\0".encode())
        except OSError as error:
            why = error.strerror
            raise SandboxError(
                f"ARGO_CRDS: {path} cannot be read: {why}", hint="correct or remove it"
            ) from None
    return found.hexdigest()


def definitions(folder: Path) -> list[Object]:
    """Return the definitions of every ``.yaml``, ``.yml`` and ``.json`` file of a folder, by file name.

    Raises
    ------
    SandboxError
        When there is no such folder or no such file, or a file holds something else.
    """
    found: dict[str, Object] = {}
    for path in _paths(folder):
        for document in _documents(path):
            name = _checked(path, document)
            if name in found:
                raise SandboxError(
                    f"ARGO_CRDS: {path} defines {name} again", hint="keep one definition of it"
                )
            found[name] = document
    if not found:
        raise SandboxError(f"ARGO_CRDS: {folder} holds no CustomResourceDefinition", hint=_HINT)
    return list(found.values())


def _documents(path: Path) -> Iterator[Any]:
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        documents = [one for one in yaml.load_all(path.read_text(), loader) if one is not None]
        # what YAML has and JSON has not (dates, keys that are no text) must not get into the store
        json.dumps(documents, allow_nan=False)
    except (OSError, UnicodeDecodeError, yaml.YAMLError, TypeError, ValueError, RecursionError) as error:
        why = " ".join(str(error).split())[:200]
        raise SandboxError(f"ARGO_CRDS: {path} cannot be read: {why}", hint="correct or remove it") from None
    for document in documents:
        inside = (
            document.get("items") if isinstance(document, dict) and document.get("kind") == "List" else None
        )
        yield from inside if isinstance(inside, list) else [document]


def _checked(path: Path, document: Any) -> str:
    wanted = (DEFINITION_RESOURCE.api_version, DEFINITION_RESOURCE.kind)
    found = (document.get("apiVersion"), document.get("kind")) if isinstance(document, dict) else None
    if found != wanted:
        said = " ".join(str(part) for part in found) if found else type(document).__name__
        raise SandboxError(f"ARGO_CRDS: {path} holds {said[:100]}, not {' '.join(wanted)}", hint=_HINT)
    meta = document.get("metadata")
    name = meta.get("name") if isinstance(meta, dict) else None
    if not isinstance(name, str) or not name:
        raise SandboxError(f"ARGO_CRDS: {path} holds a definition without a name", hint=_HINT)
    return name


def check_engine(path: Path, definition: Object) -> None:
    """Refuse a definition of a kind that the engine uses, in another version, scope or name than it does."""
    name = definition["metadata"]["name"]
    kind = BY_ID.get(name)
    if kind is None:
        return
    wanted = kind.resource
    scope = "Namespaced" if wanted.namespaced else "Cluster"
    try:
        spec = definition["spec"]
        has = (spec["versions"][0]["name"], spec["names"]["kind"], spec["scope"])
    except (KeyError, IndexError, TypeError):
        has = ("no version", "without a kind", "and scope")
    if has != (wanted.version, wanted.kind, scope):
        said = " ".join(str(part)[:100] for part in has)
        raise SandboxError(
            f"ARGO_CRDS: {path} defines {name} as {said}, the sandbox's engine needs"
            f" {wanted.version} {wanted.kind} {scope}",
            hint="use the files of Argo Workflows 4",
        )
