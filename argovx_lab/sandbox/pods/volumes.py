"""A pod's volumes as folders of this machine, and what each container mounts of them.

Owns emptyDir, configMap, secret, projected and downwardAPI volumes, the account's default mount, and
the renewal of projected tokens and their removal. Refuses every other kind of volume by name.
Source: https://kubernetes.io/docs/concepts/storage/projected-volumes/
"""

from __future__ import annotations

import os
import shutil
import time
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from argovx_lab.sandbox.kubernetes.interface import SERVICE_ACCOUNTS, ApiError, Object
from argovx_lab.sandbox.pods.environment import data_of, field
from argovx_lab.sandbox.pods.node import Node, NotReady
from argovx_lab.sandbox.processes import Mount

ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
#: Lifetime that the API server asks for in its own mount. Source: ServiceAccount admission. Unit: seconds.
DEFAULT_LIFETIME_S = 3607
#: Share of its life after which a token is renewed. Source: kubelet's token manager.
RENEW_AFTER = 0.8
_KINDS = ("emptyDir", "configMap", "secret", "projected", "downwardAPI")
_ACCOUNT_VOLUME = "kube-api-access"


@dataclass
class _Token:
    path: Path
    audience: str
    lifetime_s: int
    renew_at: float = 0.0


class Volumes:
    """The volumes of one pod, below ``folder``."""

    def __init__(self, node: Node, pod: Object, folder: Path) -> None:
        self._node, self._pod, self._folder = node, pod, folder
        self._tokens: list[_Token] = []
        self._specs = {volume["name"]: volume for volume in pod["spec"].get("volumes") or []}
        if _wants_account(pod):
            self._specs[_ACCOUNT_VOLUME] = _account_volume()

    async def materialise(self) -> None:
        """Make every volume, or bring it up to date after a restart.

        Raises
        ------
        NotReady
            When a volume is of a kind that is not emulated, or what it shows is not there.
        """
        self._tokens.clear()
        for name, volume in self._specs.items():
            kind = next((key for key in volume if key != "name"), "emptyDir")
            if kind not in _KINDS:
                why = f"volume {name}: {kind} is not emulated by the sandbox; use {', '.join(_KINDS)}"
                raise NotReady("CreateContainerConfigError", why)
            place = self._folder / name
            place.mkdir(parents=True, exist_ok=True)
            if kind == "emptyDir":
                place.chmod(0o777)
            elif kind == "projected":
                for source in volume[kind].get("sources") or []:
                    await self._project(place, source, volume[kind].get("defaultMode", 0o644))
            else:
                await self._project(place, {kind: volume[kind]}, volume[kind].get("defaultMode", 0o644))
        await self.renew()

    async def renew(self) -> None:
        """Write new tokens where the old ones have lived four fifths of their life."""
        for token in self._tokens:
            if time.time() < token.renew_at:
                continue
            meta, account = self._pod["metadata"], self._pod["spec"].get("serviceAccountName") or "default"
            pod = {"kind": "Pod", "apiVersion": "v1", "name": meta["name"], "uid": meta["uid"]}
            audiences = [token.audience] if token.audience else []
            body: Object = {
                "apiVersion": "authentication.k8s.io/v1",
                "kind": "TokenRequest",
                "spec": {
                    "audiences": audiences,
                    "expirationSeconds": token.lifetime_s,
                    "boundObjectRef": pod,
                },
            }
            try:
                answer = await self._node.client.create(
                    SERVICE_ACCOUNTS, body, meta["namespace"], subresource="token", name=account
                )
            except ApiError as error:
                why = f"token of serviceaccount {account}: {error.message}"
                raise NotReady("CreateContainerConfigError", why) from None
            _write(token.path, answer["status"]["token"].encode(), 0o600)
            token.renew_at = time.time() + token.lifetime_s * RENEW_AFTER

    def remove_secrets(self) -> None:
        """Remove the volumes that hold tokens and secrets, as a kubelet does when a pod has ended."""
        for name, volume in self._specs.items():
            if "projected" in volume or "secret" in volume:
                shutil.rmtree(self._folder / name, ignore_errors=True)

    def mounts(self, container: Object) -> tuple[Mount, ...]:
        """Return what a container sees of the volumes; a ``subPath`` is made when it is not there."""
        mounts = []
        listed = list(container.get("volumeMounts") or [])
        if _ACCOUNT_VOLUME in self._specs and all(m["mountPath"] != ACCOUNT_FOLDER for m in listed):
            listed.append({"name": _ACCOUNT_VOLUME, "mountPath": ACCOUNT_FOLDER, "readOnly": True})
        for mount in listed:
            if mount["name"] not in self._specs:
                why = f'volumeMount {mount["mountPath"]}: there is no volume "{mount["name"]}"'
                raise NotReady("CreateContainerConfigError", why)
            source = self._folder / mount["name"] / _inside(mount.get("subPath", ""))
            if not source.exists():
                source.mkdir(parents=True)
            mounts.append(Mount(str(source), mount["mountPath"], bool(mount.get("readOnly"))))
        return tuple(mounts)

    def path(self, name: str) -> Path:
        """Return the folder of one volume."""
        return self._folder / name

    async def _project(self, place: Path, source: Object, default_mode: int) -> None:
        kind, spec = next(iter(source.items()))
        if kind == "serviceAccountToken":
            lifetime = int(spec.get("expirationSeconds") or 3600)
            self._tokens.append(_Token(place / _inside(spec["path"]), spec.get("audience", ""), lifetime))
        elif kind == "downwardAPI":
            for item in spec.get("items") or []:
                if "fieldRef" not in item:
                    raise NotReady(
                        "CreateContainerConfigError",
                        f"downwardAPI item {item.get('path')}: only fieldRef is emulated",
                    )
                text = field(self._pod, item["fieldRef"]["fieldPath"])
                _write(place / _inside(item["path"]), text.encode(), item.get("mode", default_mode))
        elif kind in ("configMap", "secret"):
            await self._project_data(place, kind, spec, default_mode)
        else:
            raise NotReady("CreateContainerConfigError", f"projected source {kind} is not emulated")

    async def _project_data(self, place: Path, kind: str, spec: Object, default_mode: int) -> None:
        namespace = self._pod["metadata"]["namespace"]
        try:
            data = await data_of(self._node.client, kind.lower(), spec, namespace)
        except NotReady:
            if spec.get("name") != "kube-root-ca.crt" or not self._node.settings.ca_file:
                raise
            data = {"ca.crt": _bytes(self._node.settings.ca_file)}
        if data is None:
            return
        items = spec.get("items") or [{"key": key, "path": key} for key in data]
        for item in items:
            if item["key"] in data:
                _write(place / _inside(item["path"]), data[item["key"]], item.get("mode", default_mode))
            elif not spec.get("optional"):
                raise NotReady(
                    "CreateContainerConfigError", f"references non-existent {kind} key: {item['key']}"
                )


def _wants_account(pod: Object) -> bool:
    spec = pod["spec"]
    if spec.get("automountServiceAccountToken") is False:
        return False
    return not any(
        mount["mountPath"] == ACCOUNT_FOLDER
        for container in spec["containers"]
        for mount in container.get("volumeMounts") or []
    )


def _account_volume() -> Object:
    return {
        "name": _ACCOUNT_VOLUME,
        "projected": {
            "sources": [
                {"serviceAccountToken": {"path": "token", "expirationSeconds": DEFAULT_LIFETIME_S}},
                {"configMap": {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}},
                {
                    "downwardAPI": {
                        "items": [{"path": "namespace", "fieldRef": {"fieldPath": "metadata.namespace"}}]
                    }
                },
            ]
        },
    }


def _bytes(path: str) -> bytes:
    return Path(path).read_bytes()


def _inside(path: str) -> PurePosixPath:
    pure = PurePosixPath(path)
    if pure.is_absolute() or ".." in pure.parts:
        raise NotReady("CreateContainerConfigError", f"path {path} must stay inside its volume")
    return pure


def _write(path: Path, data: bytes, mode: int) -> None:
    """Write a file atomically, as a kubelet does, so that readers never see half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f".{path.name}.new")
    with open(os.open(new, os.O_CREAT | os.O_TRUNC | os.O_WRONLY, 0o600), "wb") as file:
        file.write(data)
    new.chmod(mode)
    new.replace(path)
