"""What a table says of a pod: how many containers are ready, its state in one word, its restarts.

Source: k8s.io/kubernetes ``pkg/printers/internalversion`` (printPod)
"""

from __future__ import annotations

from typing import Any

from argovx_lab.sandbox.kubernetes.interface import Object


def _statuses(pod: Object, field: str = "containerStatuses") -> list[Object]:
    found = (pod.get("status") or {}).get(field) or []
    return [item for item in found if isinstance(item, dict)]


def ready(pod: Object) -> str:
    """Return ``1/2``."""
    good = sum(1 for item in _statuses(pod) if item.get("ready") and _part(item, "running") is not None)
    return f"{good}/{len(pod['spec'].get('containers') or ())}"


def restarts(pod: Object) -> int:
    """Return how often its containers were restarted."""
    counts = [item.get("restartCount") for item in _statuses(pod)]
    return sum(count for count in counts if isinstance(count, int))


def state(pod: Object) -> str:
    """Return its state as one word, such as ``Completed`` or ``Init:0/1``."""
    status: Object = pod.get("status") or {}
    word = str(status.get("reason") or status.get("phase") or "Pending")
    begun = _before(pod)
    word = begun or _main(pod, word)
    if pod["metadata"].get("deletionTimestamp"):
        return "Unknown" if status.get("reason") == "NodeLost" else "Terminating"
    return word


def _part(item: Object, name: str) -> Object | None:
    found = (item.get("state") or {}).get(name)
    return found if isinstance(found, dict) else None


def _ended(ended: Object) -> str:
    if ended.get("reason"):
        return str(ended["reason"])
    signal = ended.get("signal")
    return f"Signal:{signal}" if signal else f"ExitCode:{ended.get('exitCode', 0)}"


def _before(pod: Object) -> str:
    """Return where the init containers stand; nothing when they are done."""
    for index, item in enumerate(_statuses(pod, "initContainerStatuses")):
        ended, waiting = _part(item, "terminated"), _part(item, "waiting")
        if ended is not None and ended.get("exitCode") == 0:
            continue
        if ended is not None:
            return f"Init:{_ended(ended)}"
        if waiting and waiting.get("reason") not in (None, "", "PodInitializing"):
            return f"Init:{waiting['reason']}"
        return f"Init:{index}/{len(pod['spec'].get('initContainers') or ())}"
    return ""


def _main(pod: Object, word: str) -> str:
    running = False
    for item in reversed(_statuses(pod)):
        waiting, ended = _part(item, "waiting"), _part(item, "terminated")
        if waiting and waiting.get("reason"):
            word = str(waiting["reason"])
        elif ended is not None:
            word = _ended(ended)
        elif item.get("ready") and _part(item, "running") is not None:
            running = True
    if word == "Completed" and running:
        return "Running" if _is_ready(pod) else "NotReady"
    return word


def _is_ready(pod: Object) -> bool:
    conditions: list[Any] = (pod.get("status") or {}).get("conditions") or []
    return any(item.get("type") == "Ready" and item.get("status") == "True" for item in conditions)
