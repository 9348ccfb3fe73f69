"""One container as a process group: what it is made of, how it is started, what it said at its end.

Refuses by name what a process on this machine cannot be: privileged containers, probes, hooks.
Restrictions (``runAsNonRoot``, dropped capabilities, limits) are accepted and not enforced: the
process runs as the user who runs the sandbox.
"""

from __future__ import annotations

from pathlib import Path

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.pods.environment import command, environment
from argovx_lab.sandbox.pods.images import Interpreter
from argovx_lab.sandbox.pods.node import Node, NotReady
from argovx_lab.sandbox.pods.status import MESSAGE_MAX
from argovx_lab.sandbox.pods.volumes import ACCOUNT_FOLDER, Volumes
from argovx_lab.sandbox.processes import Mount, ProcessGroup, ProcessSpec, isolation

_REFUSED = ("lifecycle", "livenessProbe", "readinessProbe", "startupProbe", "volumeDevices", "restartPolicy")
_REFUSED_POD = ("hostPID", "hostIPC", "ephemeralContainers")


def check(pod: Object) -> None:
    """Raise :class:`NotReady` for fields that would change what happens and are not emulated."""
    spec = pod["spec"]
    found = [name for name in _REFUSED_POD if spec.get(name)]
    if spec.get("restartPolicy", "Always") != "Never":
        found.append(f"restartPolicy {spec.get('restartPolicy', 'Always')} (use Never)")
    for container in [*(spec.get("initContainers") or []), *spec["containers"]]:
        found += [f"{container['name']}.{name}" for name in _REFUSED if container.get(name)]
        if (container.get("securityContext") or {}).get("privileged"):
            found.append(f"{container['name']}.securityContext.privileged")
    if found:
        why = f"not emulated by the sandbox: {', '.join(found)}"
        raise NotReady("CreateContainerConfigError", why)


def groups_below(folder: Path) -> list[ProcessGroup]:
    """Return the process groups in one pod's folder."""
    places = sorted(folder.glob("containers/*"))
    return [group for place in places if (group := ProcessGroup.attach(place))]


class Containers:
    """The process groups of one pod."""

    def __init__(self, node: Node, pod: Object, folder: Path, volumes: Volumes) -> None:
        self._node, self._pod, self._folder, self._volumes = node, pod, folder, volumes
        self._specs: dict[str, ProcessSpec] = {}

    def image(self, container: Object) -> Interpreter:
        """Return how to run the container's image; :class:`NotReady` when nobody knows."""
        image = container.get("image", "")
        found = self._node.images.find(image)
        if found is None:
            raise NotReady(
                "ImagePullBackOff",
                f'Back-off pulling image "{image}": the sandbox pulls nothing and has no interpreter for it;'
                " add one under [images] in settings.toml",
            )
        return found

    def find(self, name: str) -> ProcessGroup | None:
        """Return the container's group when it was started."""
        return ProcessGroup.attach(self._folder / "containers" / name)

    def started(self) -> list[ProcessGroup]:
        """Return the groups of all containers that were started."""
        return groups_below(self._folder)

    async def prepare(self, container: Object) -> None:
        """Make up what the container will run.

        Raises
        ------
        NotReady
            When its image, environment or mounts are not to be had.
        """
        self._specs[container["name"]] = await self._spec(container)

    async def start(self, container: Object) -> ProcessGroup:
        """Start a prepared container, or return the group that runs already.

        Raises
        ------
        NotReady
            When this machine cannot give what it needs.
        """
        name = container["name"]
        if group := self.find(name):
            return group
        if name not in self._specs:
            await self.prepare(container)
        try:
            return await ProcessGroup.start(self._folder / "containers" / name, self._specs[name])
        except SandboxError as error:
            raise NotReady("CreateContainerError", error.message) from None

    def message(self, container: Object, failed: bool) -> str:
        """Return what a container that has ended left as its termination message."""
        text = self._note(container["name"]).read_bytes()[:MESSAGE_MAX].decode(errors="replace")
        group = self.find(container["name"])
        if not text and failed and container.get("terminationMessagePolicy") == "FallbackToLogsOnError":
            text = group.stdout_tail[-2048:].decode(errors="replace") if group else ""
        return text

    def _note(self, name: str) -> Path:
        path = self._folder / "termination" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        return path

    async def _spec(self, container: Object) -> ProcessSpec:
        image = self.image(container)
        env = await environment(self._node, self._pod, container, image)
        note = container.get("terminationMessagePath") or "/dev/termination-log"
        mounts = (*self._volumes.mounts(container), Mount(str(self._note(container["name"])), note))
        if isolation() == "none":  # our launcher takes these paths from there
            env.setdefault("ARGOVX_KUBERNETES_DIR", ACCOUNT_FOLDER)
            env.setdefault("ARGOVX_TERMINATION_LOG", note)
        argv = tuple(_own_command(command(container, image, env)))
        return ProcessSpec(argv, env, container.get("workingDir") or "/", mounts, translate=True)


def _own_command(words: list[str]) -> list[str]:
    """Return the template's command without Argo's emissary in front of it."""
    if words[0].endswith("argoexec") and "emissary" in words[:2] and "--" in words:
        return words[words.index("--") + 1 :]
    return words
