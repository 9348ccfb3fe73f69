"""All parts of the sandbox in one event loop: API server, engine, node, Google's services, proxy.

Owns the order of start and stop and the discovery file. Parts know one another only through what is
handed to them here; engine and node through the narrow Kubernetes interface.
"""

from __future__ import annotations

import asyncio
import json
import logging
import os
import shutil
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

import argovx_lab
from argovx_lab.sandbox import credentials, identity, ports, settings, tls
from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.environment import network
from argovx_lab.sandbox.faults import Faults
from argovx_lab.sandbox.google.jobs.images import Image
from argovx_lab.sandbox.google.server import GoogleServer
from argovx_lab.sandbox.kubernetes.custom import files
from argovx_lab.sandbox.kubernetes.server import ApiServer
from argovx_lab.sandbox.pods import Images, NodeSettings, PodRunner
from argovx_lab.sandbox.processes import isolation
from argovx_lab.sandbox.proxy import Proxy
from argovx_lab.sandbox.seed import seed
from argovx_lab.sandbox.state import NOTEBOOK_CONTEXT, OWNER_CONTEXT, StateDir, Status, write_private
from argovx_lab.sandbox.transport import Listener, Transport

log = logging.getLogger(__name__)

#: Pause before a part that broke is started again. Unit: seconds.
RESTART_S = 1.0
#: Least time between two writes of the discovery file. Unit: seconds.
_DISCOVERY_S = 0.2


class _JobImages:
    """The table of images as Vertex's jobs see it."""

    def __init__(self, images: Images) -> None:
        self._images = images

    def find(self, reference: str) -> Image | None:
        """Return what stands for an image, ``None`` when the table or this machine does not have it."""
        found = self._images.find(reference)
        words = (*found.entrypoint, *found.cmd) if found else ()
        path = shutil.which(words[0], path=found.environment()["PATH"]) if found and words else None
        if found is None or path is None:
            return None
        own = {} if found.local else dict(found.env)
        if found.path and not found.local:
            own["PATH"] = found.environment()["PATH"]
        return Image(path, found.entrypoint, found.cmd, own)


@dataclass(frozen=True)
class _JobSettings:
    """What the runner of Vertex jobs reads of the settings."""

    images: _JobImages
    provisioning_s: float


class Sandbox:
    """A running sandbox.

    Parameters
    ----------
    state : StateDir
        Locked by the caller.
    user : str
        Needed in a new folder only.

    Raises
    ------
    SandboxError
        When settings are wrong, a port is taken or the disk refuses.
    """

    def __init__(self, state: StateDir, user: str) -> None:
        self.state = state
        self.identity = identity.load(state, user)
        if not state.settings.exists():
            write_private(state.settings, settings.TEMPLATE)
        self.settings = settings.load(state.settings)
        self.images = Images(self.settings.images)
        self.clock = Clock(self.settings.speed)
        tls.ensure(state)
        self.ports, self._sockets = ports.listen(state.ports)
        self.transport = Transport(Faults(state.faults))
        crds = os.environ.get(files.VARIABLE) or self.settings.argo_crds
        self.api = ApiServer(
            state.kubernetes,
            clock=self.clock,
            argo_crds=Path(crds).expanduser().absolute() if crds else None,
        )
        self.api.issuer.url = self.kubernetes_endpoint
        seed(self.api, self.identity, state.ca.read_text())
        self.google = self._google()
        self.node = self._node()
        self.api.log_reader = self.node.read_log
        self.proxy = Proxy((ports.LOOPBACK, self.ports.google))
        self._listeners: list[Listener] = []
        self._tasks: list[asyncio.Task[None]] = []
        self._started_at = ""  # and again from the stop on

    @property
    def kubernetes_endpoint(self) -> str:
        """Base URL of the API server, which is also the issuer of its tokens."""
        return f"https://{ports.LOOPBACK}:{self.ports.kubernetes}"

    @property
    def google_endpoint(self) -> str:
        """Base URL of every Google service."""
        return f"https://{ports.LOOPBACK}:{self.ports.google}"

    @property
    def proxy_url(self) -> str:
        """URL of the CONNECT proxy."""
        return f"http://{ports.LOOPBACK}:{self.ports.proxy}"

    def _google(self) -> GoogleServer:
        who = self.identity
        google = GoogleServer(
            self.state.root,
            project=who.project,
            project_number=who.project_number,
            region=who.region,
            user=who.user,
            bucket=who.bucket,
            clock=self.clock,
            settings=_JobSettings(_JobImages(self.images), self.settings.provisioning_s),
            faults=self.transport.faults,
            quotas=self.settings.quotas,
            keys=self.api.issuer.jwks,
            issuer_url=self.kubernetes_endpoint,
            audience=who.audience,
            namespace=who.namespace,
        )
        google.metadata_host = f"{ports.LOOPBACK}:{self.ports.metadata}"
        google.job_environment = network(self.proxy_url, str(self.state.ca_bundle))
        return google

    def _node(self) -> PodRunner:
        node = NodeSettings(
            api_host=ports.LOOPBACK,
            api_port=self.ports.kubernetes,
            ca_file=str(self.state.ca),
            environment={**network(self.proxy_url, str(self.state.ca_bundle)), "NO_GCE_CHECK": "true"},
            pod_start_s=self.settings.pod_start_s,
        )
        return PodRunner(
            self.api.client, self.state.pods, images=self.images, clock=self.clock, settings=node
        )

    async def start(self) -> None:
        """Open the ports, start every part, and say so in the discovery file."""
        isolation()  # tried once, before anything waits for it
        await self.google.prepare()  # before anybody can write
        secure = tls.context(self.state)
        for service, app, context in (
            ("kubernetes", self.api.app, secure),
            ("google", self.google.app, secure),
            ("metadata", self.google.metadata_app, None),
        ):
            google = service == "google"
            names = self.google.app.name_of if google else None
            listener = Listener(service, app, self.transport, context, names, plaintext=google)
            await listener.start(self._sockets[service])
            self._listeners.append(listener)
        await self.proxy.start(self._sockets["proxy"])
        credentials.write_tokens(self.state, self.identity, self.api)
        credentials.write_kubeconfig(self.state, self.identity, self.api, self.kubernetes_endpoint)
        credentials.write_google(self.state, self.identity, self.google_endpoint)
        for name, work in (
            ("engine", self._engine),
            ("node", self.node.run),
            ("google", self.google.run),
            ("tokens", self._tokens),
            ("discovery", self._discovery),
        ):
            self._tasks.append(asyncio.create_task(_kept(name, work), name=name))
        self._started_at = rfc3339(self.clock.now())
        self._write_discovery()
        log.info("ready: kubernetes %s, google %s", self.kubernetes_endpoint, self.google_endpoint)

    async def _engine(self) -> None:
        from argovx_lab.sandbox.argo.controller import Controller  # when the ports are open already

        await Controller(self.api.client, clock=self.clock).run()

    async def _tokens(self) -> None:
        await credentials.keep_tokens(self.state, self.identity, self.api)

    async def _discovery(self) -> None:
        """Keep ``missing`` of the discovery file up to date."""
        while True:
            await self.google.missed()
            self._write_discovery()
            await asyncio.sleep(_DISCOVERY_S)

    def _write_discovery(self) -> None:
        if self._started_at:  # a file that came after the stop would call for a restart
            write_private(self.state.discovery, json.dumps(self.status().to_dict(), indent=2))

    async def stop(self) -> None:
        """Close everything; pods and jobs go on under their supervisors."""
        self._started_at = ""
        self.state.discovery.unlink(missing_ok=True)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.proxy.stop()
        await asyncio.gather(*(listener.stop() for listener in self._listeners))
        self.google.close()
        self.api.close()
        log.info("stopped")

    def status(self) -> Status:
        """Return what the discovery file says."""
        state, who = self.state, self.identity
        return Status(
            pid=os.getpid(),
            state_dir=str(state.root),
            started_at=self._started_at,
            version=argovx_lab.__version__,
            kubeconfig=str(state.kubeconfig),
            kubernetes_endpoint=self.kubernetes_endpoint,
            owner_context=OWNER_CONTEXT,
            notebook_context=NOTEBOOK_CONTEXT,
            namespace=who.namespace,
            argo_server=None,
            google_endpoint=self.google_endpoint,
            metadata_host=self.google.metadata_host,
            proxy=self.proxy_url,
            ca=str(state.ca),
            ca_bundle=str(state.ca_bundle),
            project=who.project,
            project_number=who.project_number,
            region=who.region,
            bucket=who.bucket,
            credentials=str(state.credentials),
            notebook_credentials=str(state.notebook_credentials),
            owner_token=str(state.owner_token),
            notebook_token=str(state.notebook_token),
            audience=who.audience,
            user=who.user,
            run_as=who.run_as,
            isolation=isolation(),
            settings=self.settings.to_dict(),
            missing=self.google.missing(),
        )


async def _kept(name: str, work: Callable[[], Awaitable[None]]) -> None:
    """Run a part for ever; one that breaks is said in the log and started again."""
    while True:
        task = asyncio.ensure_future(work())
        try:
            await asyncio.wait([task])
        finally:
            task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        error = None if task.cancelled() else task.exception()
        log.error("%s ended and is started again", name, exc_info=error)
        await asyncio.sleep(RESTART_S)
