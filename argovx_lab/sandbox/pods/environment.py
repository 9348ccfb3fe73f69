"""A container's environment and command: what the pod says, with references resolved.

Owns ``env``, ``envFrom`` and ``$(NAME)``; refuses ``resourceFieldRef`` and ``fileKeyRef`` by name.
Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#environment-variables
"""

from __future__ import annotations

import base64
import re
from typing import Any

from argovx_lab.sandbox.kubernetes.interface import CONFIG_MAPS, SECRETS, ApiError, KubeClient, Object
from argovx_lab.sandbox.pods.images import Interpreter
from argovx_lab.sandbox.pods.node import Node, NotReady

_REFERENCE = re.compile(r"\$\$|\$\(([-._A-Za-z][-._A-Za-z0-9]*)\)")
_INDEXED = re.compile(r"metadata\.(labels|annotations)\['([^']+)'\]\Z")


def expand(text: str, env: dict[str, str]) -> str:
    """Replace ``$(NAME)``; ``$$`` is one dollar, an unknown name stays as it is."""

    def value(match: re.Match[str]) -> str:
        return "$" if match[0] == "$$" else env.get(match[1], match[0])

    return _REFERENCE.sub(value, text)


def field(pod: Object, path: str) -> str:
    """Return a downward API field.

    Raises
    ------
    NotReady
        When the path is none that pods may ask for.
    """
    meta, spec = pod["metadata"], pod["spec"]
    plain = {
        "metadata.name": meta["name"],
        "metadata.namespace": meta["namespace"],
        "metadata.uid": meta["uid"],
        "spec.nodeName": spec.get("nodeName", ""),
        "spec.serviceAccountName": spec.get("serviceAccountName") or "default",
        "status.hostIP": "127.0.0.1",
        "status.podIP": "127.0.0.1",
        "status.podIPs": "127.0.0.1",
        "status.hostIPs": "127.0.0.1",
    }
    if path in plain:
        return str(plain[path])
    if match := _INDEXED.match(path):
        return str((meta.get(match[1]) or {}).get(match[2], ""))
    if path in ("metadata.labels", "metadata.annotations"):
        pairs = sorted((meta.get(path.partition(".")[2]) or {}).items())
        return "\n".join(f'{key}="{value}"' for key, value in pairs)
    raise NotReady("CreateContainerConfigError", f"fieldPath {path} is not known; {', '.join(plain)} are")


async def data_of(
    client: KubeClient, kind: str, reference: Object, namespace: str
) -> dict[str, bytes] | None:
    """Return the entries of a ConfigMap or Secret; ``None`` when it is optional and not there.

    Raises
    ------
    NotReady
        When it is not there and not optional.
    """
    name = reference.get("name") or reference.get("secretName") or ""
    try:
        obj = await client.get(SECRETS if kind == "secret" else CONFIG_MAPS, name, namespace)
    except ApiError as error:
        if error.code != 404:
            raise
        if reference.get("optional"):
            return None
        raise NotReady("CreateContainerConfigError", f'{kind} "{name}" not found') from None
    if kind == "secret":
        return {key: base64.b64decode(value) for key, value in (obj.get("data") or {}).items()}
    entries = {key: str(value).encode() for key, value in (obj.get("data") or {}).items()}
    binary = (obj.get("binaryData") or {}).items()
    return entries | {key: base64.b64decode(value) for key, value in binary}


async def environment(node: Node, pod: Object, container: Object, image: Interpreter) -> dict[str, str]:
    """Return everything the container's process finds in its environment."""
    settings = node.settings
    env = image.environment()
    env.update(settings.environment)
    env["HOSTNAME"] = pod["spec"].get("hostname") or pod["metadata"]["name"]
    env["KUBERNETES_SERVICE_HOST"] = settings.api_host
    env["KUBERNETES_SERVICE_PORT"] = env["KUBERNETES_SERVICE_PORT_HTTPS"] = str(settings.api_port)
    for source in container.get("envFrom") or []:
        env.update(await _all_of(node.client, pod, source))
    for entry in container.get("env") or []:
        value = await _value(node.client, pod, entry)
        if value is not None:
            env[entry["name"]] = expand(value, env) if "valueFrom" not in entry else value
    return env


async def _all_of(client: KubeClient, pod: Object, source: Object) -> dict[str, str]:
    prefix, namespace = source.get("prefix", ""), pod["metadata"]["namespace"]
    for key, kind in (("configMapRef", "configmap"), ("secretRef", "secret")):
        if key in source:
            data = await data_of(client, kind, source[key], namespace) or {}
            return {prefix + name: value.decode(errors="replace") for name, value in data.items()}
    raise NotReady("CreateContainerConfigError", f"envFrom {', '.join(source)} is not known")


async def _value(client: KubeClient, pod: Object, entry: dict[str, Any]) -> str | None:
    origin = entry.get("valueFrom")
    if not origin:
        return str(entry.get("value") or "")
    if "fieldRef" in origin:
        return field(pod, origin["fieldRef"]["fieldPath"])
    for key, kind in (("configMapKeyRef", "configmap"), ("secretKeyRef", "secret")):
        if key in origin:
            reference = origin[key]
            data = await data_of(client, kind, reference, pod["metadata"]["namespace"])
            if data is not None and reference["key"] in data:
                return data[reference["key"]].decode(errors="replace")
            if reference.get("optional"):
                return None
            name = reference.get("name")
            raise NotReady(
                "CreateContainerConfigError", f"couldn't find key {reference['key']} in {kind} {name}"
            )
    raise NotReady(
        "CreateContainerConfigError",
        f"env {entry['name']}: valueFrom {', '.join(origin)} is not emulated;"
        " use fieldRef, configMapKeyRef or secretKeyRef",
    )


def command(container: Object, image: Interpreter, env: dict[str, str]) -> list[str]:
    """Return what to execute: the container's command and arguments over the image's own.

    Raises
    ------
    NotReady
        When neither says anything.
    """
    own, args = container.get("command") or [], container.get("args") or []
    words = [*own, *args] if own else [*image.entrypoint, *(args or image.cmd)]
    if not words:
        raise NotReady("CreateContainerError", f'no command specified for image "{container.get("image")}"')
    return [expand(word, env) for word in words]
