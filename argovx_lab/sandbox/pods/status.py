"""What a kubelet writes into a pod's status: pure functions from what happened to the object.

Source: https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#PodStatus and the
pods of a real node in the recordings.
"""

from __future__ import annotations

import hashlib
from datetime import datetime

from argovx_lab.sandbox.clock import rfc3339
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.processes import ProcessState

#: Every pod is on this machine.
ADDRESS = "127.0.0.1"
#: Longest termination message. Source: kubelet. Unit: bytes.
MESSAGE_MAX = 4096
#: Names of all conditions, in a kubelet's order.
_CONDITIONS = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


def waiting(reason: str, message: str = "") -> Object:
    """Return the state of a container that cannot run yet."""
    return {"waiting": {"reason": reason, **({"message": message} if message else {})}}


def running(started_at: str) -> Object:
    """Return the state of a container that runs."""
    return {"running": {"startedAt": whole(started_at)}}


def terminated(code: int, started_at: str, finished_at: str, message: str = "", reason: str = "") -> Object:
    """Return the state of a container that has ended."""
    state: Object = {
        "exitCode": code,
        "reason": reason or ("Completed" if code == 0 else "Error"),
        "startedAt": whole(started_at),
        "finishedAt": whole(finished_at),
    }
    if message:
        state["message"] = message
    return {"terminated": state}


def of_process(state: ProcessState, now: datetime, message: str, emissary: bool) -> Object:
    """Return a container's state out of its process group's.

    Parameters
    ----------
    emissary : bool
        Argo's emissary would have started the command: what cannot be started is its exit code 64.
    """
    if not state.ended:
        return running(state.started_at or rfc3339(now))
    finished = state.finished_at or rfc3339(now)
    started = state.started_at or finished
    if state.phase == "lost":
        why = "The container could not be located when the pod was terminated"
        return terminated(137, started, finished, why, "ContainerStatusUnknown")
    if state.error and emissary:
        return terminated(64, started, finished, f"failed to find name in PATH: {state.error}")
    if state.error:
        return terminated(state.exit_code or 127, started, finished, state.error, "StartError")
    return terminated(state.exit_code or 0, started, finished, message)


def forward(pod: Object, states: dict[str, Object]) -> dict[str, Object]:
    """Return the states to write: a container that the pod says has ended does not come back to life.

    A node that begins anew (the server was killed, an answer was lost) has yet to find that out, and a real
    server refuses the way back.
    """
    written = pod.get("status") or {}
    kept = dict(states)
    for part in ("containerStatuses", "initContainerStatuses"):
        for entry in written.get(part) or []:
            name, state = entry["name"], entry.get("state") or {}
            if "terminated" in state and "terminated" not in kept.get(name, state):
                kept[name] = state
    return kept


def whole(stamp: str) -> str:
    """Return an RFC 3339 time cut to whole seconds, as Kubernetes keeps it."""
    return stamp if len(stamp) <= 20 else stamp[:19] + "Z"


def exit_code(state: Object) -> int | None:
    """Return a container's exit code; ``None`` while it has none."""
    code = state.get("terminated", {}).get("exitCode")
    return code if code is None else int(code)


def container(spec: Object, uid: str, state: Object, *, init: bool = False) -> Object:
    """Return one entry of ``containerStatuses``."""
    name = spec["name"]
    up = "running" in state
    result: Object = {
        "name": name,
        "image": spec.get("image", ""),
        "imageID": "",
        "lastState": {},
        "ready": exit_code(state) == 0 if init else up,
        "started": up,
        "restartCount": 0,
        "resources": {},
        "state": state,
    }
    if "waiting" not in state:
        token = "process://" + hashlib.sha256(f"{uid}/{name}".encode()).hexdigest()
        result["containerID"] = token
        result["imageID"] = "sandbox:process"
        if "terminated" in state:
            state["terminated"]["containerID"] = token
    return result


def conditions(
    old: list[Object], phase: str, initialized: bool, unready: list[str], now: str
) -> list[Object]:
    """Return the five conditions; a time changes only where a status does."""
    before = {condition["type"]: condition for condition in old}
    over = phase in ("Succeeded", "Failed")
    values = {
        "PodReadyToStartContainers": not over and initialized,
        "Initialized": initialized,
        "Ready": phase == "Running" and not unready,
        "ContainersReady": phase == "Running" and not unready,
        "PodScheduled": True,
    }
    result = []
    for name in _CONDITIONS:
        status = str(values[name])
        last = before.get(name, {})
        since = last["lastTransitionTime"] if last.get("status") == status else now
        entry: Object = {"type": name, "status": status, "lastProbeTime": None, "lastTransitionTime": since}
        if over and name in ("Initialized", "Ready", "ContainersReady"):
            entry["reason"] = "PodCompleted" if phase == "Succeeded" else "PodFailed"
        elif status == "False" and name in ("Ready", "ContainersReady"):
            entry["reason"] = "ContainersNotReady"
            entry["message"] = f"containers with unready status: [{' '.join(unready)}]"
        elif status == "False" and name == "Initialized":
            entry["reason"] = "ContainersNotInitialized"
        result.append(entry)
    return result


def pod(
    current: Object, states: dict[str, Object], phase: str, now: str, reason: str = "", message: str = ""
) -> Object:
    """Return the whole status of a pod whose containers are in ``states``."""
    spec, uid = current["spec"], current["metadata"]["uid"]
    inits = [container(c, uid, states[c["name"]], init=True) for c in spec.get("initContainers") or []]
    mains = [container(c, uid, states[c["name"]]) for c in spec["containers"]]
    old = current.get("status") or {}
    unready = [c["name"] for c in mains if not c["ready"]]
    initialized = all(c["ready"] for c in inits)
    status: Object = {
        "phase": phase,
        "hostIP": ADDRESS,
        "hostIPs": [{"ip": ADDRESS}],
        "podIP": ADDRESS,
        "podIPs": [{"ip": ADDRESS}],
        "qosClass": old.get("qosClass", "BestEffort"),
        "startTime": old.get("startTime") or now,
        "conditions": conditions(old.get("conditions") or [], phase, initialized, unready, now),
        "containerStatuses": mains,
        "reason": reason or None,
        "message": message or None,
    }
    if inits:
        status["initContainerStatuses"] = inits
    return status
