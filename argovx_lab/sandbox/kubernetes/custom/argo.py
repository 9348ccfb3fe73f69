"""Which definitions Argo's kinds have: the sandbox's own, those of ``ARGO_CRDS``, or those a user wrote.

Owns that choice at a start. What a user changed through the API stays; files win over everything.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.kubernetes import crds, metadata
from argovx_lab.sandbox.kubernetes.custom import definitions, files
from argovx_lab.sandbox.kubernetes.history import encode
from argovx_lab.sandbox.kubernetes.interface import ApiError, Object
from argovx_lab.sandbox.kubernetes.kinds import DEFINITIONS
from argovx_lab.sandbox.kubernetes.registry import Registry

#: Which files the definitions in the store come from.
_FILES = "definition files"


def _digest(spec: Object) -> str:
    return hashlib.sha256(encode(spec)).hexdigest()


class ArgoDefinitions:
    """Puts the definitions of Argo's kinds into a registry's store."""

    def __init__(self, registry: Registry) -> None:
        self._registry, self._store = registry, registry.store
        self._own = {obj["metadata"]["name"]: obj for obj in crds.definitions()}
        for obj in self._own.values():
            definitions.default(obj)
            del obj["status"]
        registry.definitions.own = {name: obj["spec"] for name, obj in self._own.items()}

    def load(self) -> None:
        """Serve what the store has defined already."""
        self._registry.definitions.load()

    def put(self, folder: Path | None) -> None:
        """Write the definitions that are to hold: the files' first, the sandbox's own for the rest.

        Raises
        ------
        SandboxError
            When a file cannot be used.
        """
        given = self._given(folder) if folder is not None else frozenset()
        for name, obj in self._own.items():
            if name not in given and self._is_ours(name):
                self._write_own(name, obj)

    def _given(self, folder: Path) -> frozenset[str]:
        """Write what the files define, unless it is there already, and return the names."""
        seen = json.loads(self._store.setting(_FILES) or '{"digest": "", "names": []}')
        digest = files.digest(folder)
        if digest == seen["digest"] and all(self._is_ours(name) for name in seen["names"]):
            return frozenset(seen["names"])
        given = {obj["metadata"]["name"]: obj for obj in files.definitions(folder)}
        for name, obj in given.items():
            files.check_engine(folder, obj)
            try:
                self._write(name, obj)
            except ApiError as error:
                raise SandboxError(
                    f"ARGO_CRDS: the definition of {name} in {folder} is refused: {error.message[:400]}",
                    hint="correct or remove it",
                ) from None
        self._store.set_setting(_FILES, json.dumps({"digest": digest, "names": sorted(given)}))
        return frozenset(given)

    def _is_ours(self, name: str) -> bool:
        """Whether nobody but a start of the sandbox wrote what is in the store."""
        record = self._store.get(DEFINITIONS, "", name)
        if record is None:
            return True
        return self._store.setting(f"definition {name}") == _digest(record.object()["spec"])

    def _write_own(self, name: str, wanted: Object) -> None:
        """Write one of the sandbox's own, which need no check."""
        record = self._store.get(DEFINITIONS, "", name)
        if record is not None:
            if record.object()["spec"] != wanted["spec"]:
                self._write(name, wanted)
            return
        obj = {**wanted, "metadata": {"name": name}}
        metadata.complete(DEFINITIONS, obj, "", self._registry.definitions.now())
        definitions.default(obj)
        self._store.put(DEFINITIONS, obj)
        self._registry.definitions.written(DEFINITIONS, obj)
        self._store.set_setting(f"definition {name}", _digest(obj["spec"]))

    def _write(self, name: str, wanted: Object) -> None:
        obj: Object = {"apiVersion": DEFINITIONS.resource.api_version, "kind": DEFINITIONS.resource.kind}
        obj |= {"metadata": {**wanted["metadata"]}, "spec": wanted.get("spec")}
        for field in ("resourceVersion", "uid"):
            obj["metadata"].pop(field, None)
        if self._store.get(DEFINITIONS, "", name) is None:
            self._registry.create(DEFINITIONS, "", obj)
        else:
            self._registry.update(DEFINITIONS, "", name, lambda old: _with_spec(old, obj["spec"]))
        record = self._store.get(DEFINITIONS, "", name)
        assert record is not None
        self._store.set_setting(f"definition {name}", _digest(record.object()["spec"]))


def _with_spec(old: Object, spec: Object) -> Object:
    return {**old, "metadata": dict(old["metadata"]), "spec": spec}
