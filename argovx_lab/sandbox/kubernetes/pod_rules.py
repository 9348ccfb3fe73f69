"""Defaults and checks of pods.

Owns what the real server fills into a pod and what may change in it afterwards.
Source: k8s.io/kubernetes ``pkg/apis/core``; https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/
"""

from __future__ import annotations

import copy
from typing import Any

from argovx_lab.sandbox.kubernetes import metadata, status
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.status import Cause

#: Time between SIGTERM and SIGKILL when a pod does not say. Unit: seconds.
GRACE_S = 30
#: Where every container finds its account's token, and how long that lives. Unit: seconds.
ACCOUNT_FOLDER = "/var/run/secrets/kubernetes.io/serviceaccount"
TOKEN_S = 3607
_RESTART = ("Always", "OnFailure", "Never")
_PULL = ("Always", "IfNotPresent", "Never")
_UPDATE_TEXT = (
    "pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to"
    " existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was"
    " previously negative)"
)


def default(pod: Object) -> None:
    """Fill in a pod's defaults, in place."""
    if not isinstance(pod.get("spec"), dict):
        pod["spec"] = {}
    spec = pod["spec"]
    account = spec.get("serviceAccountName") or spec.get("serviceAccount") or "default"
    spec["serviceAccountName"] = spec["serviceAccount"] = account
    defaults: dict[str, Any] = {
        "restartPolicy": "Always",
        "dnsPolicy": "ClusterFirst",
        "schedulerName": "default-scheduler",
        "terminationGracePeriodSeconds": GRACE_S,
        "securityContext": {},
        "enableServiceLinks": True,
        "preemptionPolicy": "PreemptLowerPriority",
        "priority": 0,
    }
    for name, value in defaults.items():
        if spec.get(name) is None:
            spec[name] = copy.copy(value)
    held = {item.get("key") for item in spec.get("tolerations") or []}
    for key in ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable"):
        if key not in held:
            stay = {"key": key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
            spec["tolerations"] = [*(spec.get("tolerations") or []), stay]
    for container in [*(spec.get("containers") or []), *(spec.get("initContainers") or [])]:
        _default_container(container)
    for volume in spec.get("volumes") or []:
        _default_volume(volume)
    if not pod.get("status"):
        pod["status"] = {"phase": "Pending", "qosClass": _quality(spec)}


def give_token(pod: Object, account: Object) -> None:
    """Mount the account's token in every container that has nothing there, unless pod or account decline."""
    spec = pod["spec"]
    wanted = spec.get("automountServiceAccountToken")
    if (account.get("automountServiceAccountToken") if wanted is None else wanted) is False:
        return
    name = "kube-api-access-" + metadata.tail()
    bare = [
        container
        for container in [*(spec.get("initContainers") or []), *spec["containers"]]
        if all(mount.get("mountPath") != ACCOUNT_FOLDER for mount in container.get("volumeMounts") or [])
    ]
    for container in bare:
        mount = {"name": name, "readOnly": True, "mountPath": ACCOUNT_FOLDER}
        container["volumeMounts"] = [*(container.get("volumeMounts") or []), mount]
    if bare:
        place = {"path": "namespace", "fieldRef": {"apiVersion": "v1", "fieldPath": "metadata.namespace"}}
        root = {"name": "kube-root-ca.crt", "items": [{"key": "ca.crt", "path": "ca.crt"}]}
        token = {"expirationSeconds": TOKEN_S, "path": "token"}
        sources = [{"serviceAccountToken": token}, {"configMap": root}, {"downwardAPI": {"items": [place]}}]
        projected = {"sources": sources, "defaultMode": 0o644}
        spec["volumes"] = [*(spec.get("volumes") or []), {"name": name, "projected": projected}]


def _default_container(container: Object) -> None:
    image = container.get("image") or ""
    tag = image.rpartition("/")[2].partition(":")[2]
    latest = "@" not in image and tag in ("", "latest")
    defaults: dict[str, Any] = {
        "imagePullPolicy": "Always" if latest else "IfNotPresent",
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
        "resources": {},
    }
    for name, value in defaults.items():
        if container.get(name) is None:
            container[name] = copy.copy(value)
    for variable in container.get("env") or []:
        reference = (variable.get("valueFrom") or {}).get("fieldRef")
        if reference is not None:
            reference.setdefault("apiVersion", "v1")
    for port in container.get("ports") or []:
        port.setdefault("protocol", "TCP")


def _default_volume(volume: Object) -> None:
    sources = [name for name in volume if name != "name"]
    if not sources:
        volume["emptyDir"] = {}
    for name in ("configMap", "secret", "projected", "downwardAPI"):
        if isinstance(volume.get(name), dict):
            volume[name].setdefault("defaultMode", 0o644)
    for source in (volume.get("projected") or {}).get("sources") or []:
        if isinstance(source.get("serviceAccountToken"), dict):
            source["serviceAccountToken"].setdefault("expirationSeconds", 3600)


def _quality(spec: Object) -> str:
    wanted = [container.get("resources") or {} for container in spec.get("containers") or []]
    if not any(item.get("requests") or item.get("limits") for item in wanted):
        return "BestEffort"
    for item in wanted:
        limits, asked = item.get("limits") or {}, item.get("requests") or item.get("limits") or {}
        if not {"cpu", "memory"} <= set(limits) or any(
            asked.get(name, limits[name]) != limits[name] for name in ("cpu", "memory")
        ):
            return "Burstable"
    return "Guaranteed"


def problems(new: Object, old: Object | None) -> list[Cause]:
    """Return what is wrong with a pod, or with a change of one."""
    spec = new["spec"]
    if old is not None:
        return _change_problems(spec, old["spec"])
    causes: list[Cause] = []
    if not spec.get("containers"):
        causes.append(status.missing("spec.containers"))
    volumes = _volumes(spec, causes)
    taken: set[str] = set()
    for part in ("initContainers", "containers"):
        for index, container in enumerate(spec.get(part) or []):
            causes += _container_problems(f"spec.{part}[{index}]", container, volumes, taken)
    if spec["restartPolicy"] not in _RESTART:
        causes.append(status.unsupported_value("spec.restartPolicy", spec["restartPolicy"], _RESTART))
    for name, least in (("terminationGracePeriodSeconds", 0), ("activeDeadlineSeconds", 1)):
        if spec.get(name) is not None and spec[name] < least:
            why = f"must be greater than or equal to {least}"
            causes.append(status.bad_value(f"spec.{name}", spec[name], why))
    if spec.get("ephemeralContainers"):
        causes.append(status.not_allowed("spec.ephemeralContainers", "cannot be set on create"))
    return causes


def _volumes(spec: Object, causes: list[Cause]) -> set[str]:
    names: set[str] = set()
    for index, volume in enumerate(spec.get("volumes") or []):
        field, name = f"spec.volumes[{index}]", volume.get("name") or ""
        causes += _name_problems(f"{field}.name", name, names)
        names.add(name)
        sources = sorted(key for key in volume if key != "name" and volume[key] is not None)
        if len(sources) > 1:
            causes.append(
                status.not_allowed(f"{field}.{sources[1]}", "may not specify more than 1 volume type")
            )
    return names


def _name_problems(field: str, name: str, taken: set[str]) -> list[Cause]:
    if not name:
        return [status.missing(field)]
    if why := metadata.label(name):
        return [status.bad_value(field, name, why)]
    if name in taken:
        return [Cause("FieldValueDuplicate", f"Duplicate value: {status.shown(name)}", field)]
    return []


def _container_problems(field: str, container: Object, volumes: set[str], taken: set[str]) -> list[Cause]:
    name = container.get("name") or ""
    causes = _name_problems(f"{field}.name", name, taken)
    taken.add(name)
    if not container.get("image"):
        causes.append(status.missing(f"{field}.image"))
    policy = container["imagePullPolicy"]
    if policy not in _PULL:
        causes.append(status.unsupported_value(f"{field}.imagePullPolicy", policy, _PULL))
    places: set[str] = set()
    for index, mount in enumerate(container.get("volumeMounts") or []):
        place, path = f"{field}.volumeMounts[{index}]", mount.get("mountPath") or ""
        volume = mount.get("name") or ""
        if volume not in volumes:
            causes.append(Cause("FieldValueNotFound", f"Not found: {status.shown(volume)}", f"{place}.name"))
        if path in places:
            causes.append(status.bad_value(f"{place}.mountPath", path, "must be unique"))
        places.add(path)
    for index, variable in enumerate(container.get("env") or []):
        causes += _variable_problems(f"{field}.env[{index}]", variable)
    return causes


def _variable_problems(field: str, variable: Object) -> list[Cause]:
    source: Any = variable.get("valueFrom")
    if source is None:
        return []
    if variable.get("value"):
        return [status.bad_value(f"{field}.valueFrom", "", "may not be specified when `value` is not empty")]
    if sum(value is not None for value in source.values()) != 1:
        why = "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`"
        return [status.bad_value(f"{field}.valueFrom", "", why)]
    return []


def _change_problems(new: Object, old: Object) -> list[Cause]:
    if _fixed(new) != _fixed(old):
        return [status.not_allowed("spec", _UPDATE_TEXT)]
    if any(item not in (new.get("tolerations") or []) for item in old.get("tolerations") or []):
        return [
            status.not_allowed(
                "spec.tolerations", "existing toleration can not be modified except its tolerationSeconds"
            )
        ]
    before, after = old.get("activeDeadlineSeconds"), new.get("activeDeadlineSeconds")
    if before is not None and (after is None or after > before):
        why = "must be less than or equal to previous value"
        return [status.bad_value("spec.activeDeadlineSeconds", after, why)]
    return []


def _fixed(spec: Object) -> Object:
    fixed = copy.deepcopy(spec)
    for name in ("activeDeadlineSeconds", "tolerations"):
        fixed.pop(name, None)
    for container in [*(fixed.get("containers") or []), *(fixed.get("initContainers") or [])]:
        container.pop("image", None)
    return fixed


def grace_s(pod: Object, asked: int | None) -> int:
    """Return the seconds a pod has to end: 0 when it is not bound or has ended."""
    spec = pod["spec"]
    if not spec.get("nodeName") or (pod.get("status") or {}).get("phase") in ("Succeeded", "Failed"):
        return 0
    return int(spec.get("terminationGracePeriodSeconds", GRACE_S)) if asked is None else asked
