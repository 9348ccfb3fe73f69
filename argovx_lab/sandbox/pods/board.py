"""What is known of one pod's containers, and the writing of it into the pod's status.

Owns the newest version of the Pod object that this node has seen. Writes only what changed.
"""

from __future__ import annotations

from argovx_lab.sandbox.clock import rfc3339
from argovx_lab.sandbox.kubernetes.interface import PODS, Object
from argovx_lab.sandbox.pods import status
from argovx_lab.sandbox.pods.node import Node, NotReady
from argovx_lab.sandbox.pods.orders import Orders


class Board:
    """The status of one pod.

    Attributes
    ----------
    pod : dict
        The newest version of the object.
    states : dict
        Container name to its ``state`` as Kubernetes spells it.
    """

    def __init__(self, node: Node, pod: Object, orders: Orders) -> None:
        self._node, self._orders = node, orders
        self.pod = pod
        self.states: dict[str, Object] = {}

    @property
    def inits(self) -> list[Object]:
        """The init containers."""
        return list(self.pod["spec"].get("initContainers") or [])

    @property
    def mains(self) -> list[Object]:
        """All other containers."""
        return list(self.pod["spec"]["containers"])

    @property
    def phase(self) -> str:
        """The phase that was written last."""
        return str((self.pod.get("status") or {}).get("phase", ""))

    @property
    def began(self) -> str:
        """When the node first had this pod, RFC 3339; now while nothing is written."""
        return str((self.pod.get("status") or {}).get("startTime") or self.now())

    def now(self) -> str:
        """Return the present, RFC 3339."""
        return rfc3339(self._node.clock.now())

    def see(self, pod: Object) -> None:
        """Take a newer version of the object; an older one is passed over."""
        if int(pod["metadata"]["resourceVersion"]) > int(self.pod["metadata"]["resourceVersion"]):
            self.pod = pod
            self._orders.see(pod)

    def container(self, name: str) -> Object:
        """Return one of the containers that are no init containers."""
        return next((c for c in self.mains if c["name"] == name), {"name": name})

    def env(self, container: str, name: str) -> str:
        """Return a plain environment value of a container; empty when it has none."""
        entries = self.container(container).get("env") or []
        return next((str(e.get("value") or "") for e in entries if e["name"] == name), "")

    def exit_codes(self) -> list[int | None]:
        """Return the exit codes of all containers that are no init containers."""
        return [status.exit_code(self.states[c["name"]]) for c in self.mains]

    def reset(self) -> None:
        """Let every container wait for its turn."""
        self.states = {c["name"]: status.waiting("PodInitializing") for c in [*self.inits, *self.mains]}

    async def hold(self, problem: NotReady) -> None:
        """Say that the pod waits, once per reason; what runs or has ended keeps that."""
        state = status.waiting(problem.reason, problem.message)
        states = {c["name"]: state for c in [*self.inits, *self.mains]}
        if states != self.states:
            self.states = states
            await self.write("Running" if self.phase == "Running" else "Pending")

    async def write(self, phase: str, reason: str = "", message: str = "") -> None:
        """Write the status."""
        meta = self.pod["metadata"]
        states = status.forward(self.pod, self.states)
        new = status.pod(self.pod, states, phase, self.now(), reason, message)
        patched = await self._node.client.patch(
            PODS, meta["name"], {"status": new}, meta["namespace"], subresource="status"
        )
        self.see(patched)
