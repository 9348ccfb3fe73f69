"""The API server on a real port with TLS, and the official client against it, unmodified."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import importlib.util
import os
import ssl
import sys
import threading
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from pathlib import Path

import control_plane
import hypercorn.asyncio
import pytest
import requests
import trustme
from hypercorn.config import Config
from kubernetes import client

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.kubernetes import crds, rbac_defaults
from argovx_lab.sandbox.kubernetes.interface import Object
from argovx_lab.sandbox.kubernetes.server import ApiServer

NAMESPACE = "argovx"
#: Tests of unknown fields, which Argo's own definitions prune and ours preserve.
PRESERVING = (
    "test_large_objects_are_refused_as_measured",
    "test_unknown_fields_are_kept_and_nulls_are_pruned",
)
#: Modules that the real server is asked too, but for tests marked ``ours``.
BOTH = ("test_lists", "test_objects", "test_patches", "test_pods", "test_protobuf")
BOTH += ("test_tables", "test_tokens", "test_watch")


def _load(name: str, file: str) -> None:
    spec = importlib.util.spec_from_file_location(name, Path(__file__).parent / file)
    sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(sys.modules[name])


_load("kubernetes_table_rows", "rows.py")
_load("kubernetes_policies", "policies.py")
_load("kubernetes_definitions", "definitions.py")
_load("kubernetes_argo_rows", "argo_rows.py")
_load("kubernetes_table", "table.py")


async def fake_log(
    pod: Object,
    container: str,
    *,
    follow: bool,
    tail_lines: int | None,
    since_s: float | None,
    timestamps: bool,
) -> AsyncIterator[bytes]:
    """A pod runner's log reader that says what it was asked."""
    yield f"{pod['metadata']['name']}/{container}\n".encode()
    lines = [f"line {index}" for index in range(5)]
    for line in lines[-tail_lines:] if tail_lines is not None else lines:
        stamp = "2026-01-01T00:00:00.000000000Z " if timestamps else ""
        yield f"{stamp}{line}\n".encode()
    if since_s is not None:
        yield f"since {since_s}\n".encode()
    if follow:
        await asyncio.sleep(0.01)
        yield b"last\n"


@dataclass
class Cluster:
    """A served API server."""

    server: ApiServer
    host: str
    ca: Path
    owner_token: str
    loop: asyncio.AbstractEventLoop

    @contextlib.contextmanager
    def api(self, token: str) -> Iterator[client.ApiClient]:
        """Give the official client for a bearer token, and close its connections at the end."""
        configuration = client.Configuration()
        configuration.host = self.host
        configuration.ssl_ca_cert = str(self.ca)
        configuration.api_key = {"authorization": f"Bearer {token}"}
        with client.ApiClient(configuration) as api:
            yield api
            api.rest_client.pool_manager.clear()

    def http(self, method: str, path: str, token: str = "", **options) -> requests.Response:
        """Send plain HTTP, for what the official client refuses to send or to show."""
        headers = {"authorization": f"Bearer {token or self.owner_token}", **options.pop("headers", {})}
        if headers["authorization"] == "Bearer none":
            del headers["authorization"]
        return requests.request(
            method, self.host + path, headers=headers, verify=str(self.ca), timeout=20, **options
        )

    def token(self, account: str) -> str:
        """Return a token of a ServiceAccount, asked for as anybody would ask."""
        path = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{account}/token"
        body = {"apiVersion": "authentication.k8s.io/v1", "kind": "TokenRequest", "spec": {}}
        return self.http("POST", path, json=body).json()["status"]["token"]

    def in_loop(self, work):
        """Run ``work()`` in the server's thread and return what it returns."""

        async def call():
            return work()

        return asyncio.run_coroutine_threadsafe(call(), self.loop).result(10)


def _serve(server: ApiServer, config: Config, started: list, ready: threading.Event) -> None:
    async def main() -> None:
        stop = asyncio.Event()
        started.extend([asyncio.get_running_loop(), stop])
        ready.set()
        await hypercorn.asyncio.serve(server.app, config, shutdown_trigger=stop.wait)

    asyncio.run(main())


@pytest.fixture(scope="session", params=["ours", pytest.param("real", marks=pytest.mark.cluster)])
def cluster(request: pytest.FixtureRequest) -> Cluster:
    """Our server, then the real one: see :data:`BOTH`."""
    return request.getfixturevalue(f"{request.param}_cluster")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Ask the real server only what both can be asked."""
    here = Path(__file__).parent

    def wanted(item: pytest.Item) -> bool:
        name = getattr(item, "originalname", item.name)
        if item.path.parent == here and os.environ.get("ARGO_CRDS") and name in PRESERVING:
            return False
        on_real = getattr(item, "callspec", None) and item.callspec.params.get("cluster") == "real"
        if item.path.parent != here or not on_real:
            return True
        return item.path.stem in BOTH and item.get_closest_marker("ours") is None

    config.hook.pytest_deselected(items=[item for item in items if not wanted(item)])
    items[:] = [item for item in items if wanted(item)]


@pytest.fixture(scope="session")
def ours_cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    folder = tmp_path_factory.mktemp("kubernetes")
    authority = trustme.CA()
    certificate = authority.issue_cert("127.0.0.1")
    authority.cert_pem.write_to_path(folder / "ca.pem")
    certificate.private_key_pem.write_to_path(folder / "key.pem")
    for index, blob in enumerate(certificate.cert_chain_pems):
        blob.write_to_path(folder / "cert.pem", append=index > 0)
    files = os.environ.get("ARGO_CRDS")
    server = ApiServer(folder / "k.sqlite", clock=Clock(), argo_crds=Path(files) if files else None)
    config = Config()
    config.certfile, config.keyfile = str(folder / "cert.pem"), str(folder / "key.pem")
    config.accesslog = config.errorlog = None
    config.graceful_timeout = 1
    sock = _bound_socket()
    port = sock.getsockname()[1]
    config.bind = [f"fd://{sock.detach()}"]
    server.issuer.url = f"https://127.0.0.1:{port}"
    server.log_reader = fake_log
    server.root_ca = (folder / "ca.pem").read_text()
    server.seed(rbac_defaults.cluster_objects())
    server.seed(rbac_defaults.user_objects("alice", NAMESPACE))
    token = server.add_user_token(rbac_defaults.OWNER, [])
    everything = rbac_defaults.rule("*", ["*"], ["*"])
    subject = {"kind": "User", "name": "admin", "apiGroup": "rbac.authorization.k8s.io"}
    server.seed([rbac_defaults.role("cluster-admin", "", [everything])])
    server.seed([rbac_defaults.binding("admin", "", "ClusterRole", "cluster-admin", subject)])
    started: list = []
    ready = threading.Event()
    thread = threading.Thread(target=_serve, args=(server, config, started, ready), daemon=True)
    thread.start()
    assert ready.wait(10)
    made = Cluster(server, server.issuer.url, folder / "ca.pem", token, started[0])
    _await_port(port, folder / "ca.pem")
    yield made
    gc.collect()  # kept exceptions keep the client's responses, and those its connections
    started[0].call_soon_threadsafe(started[1].set)
    thread.join(15)
    assert not thread.is_alive()
    server.close()


def _bound_socket():
    import socket

    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    sock.listen(64)
    sock.setblocking(False)
    return sock


def _await_port(port: int, ca: Path) -> None:
    import socket

    context = ssl.create_default_context(cafile=str(ca))
    with (
        socket.create_connection(("127.0.0.1", port), timeout=10) as plain,
        context.wrap_socket(plain, server_hostname="127.0.0.1"),
    ):
        return


@pytest.fixture
def owner(cluster: Cluster) -> Iterator[client.ApiClient]:
    with cluster.api(cluster.owner_token) as api:
        yield api


@pytest.fixture
def notebook(cluster: Cluster) -> Iterator[client.ApiClient]:
    token = cluster.in_loop(lambda: cluster.server.issuer.issue(NAMESPACE, "nb-alice", [], 3600))
    with cluster.api(token) as api:
        yield api


@pytest.fixture
def core(owner: client.ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(owner)


@pytest.fixture
def custom(owner: client.ApiClient) -> client.CustomObjectsApi:
    return client.CustomObjectsApi(owner)


@pytest.fixture(scope="module")
def tokens(cluster) -> dict[str, str]:
    names = ("nb-alice", "wf-alice", "default")
    return {"": cluster.owner_token, **{name: cluster.token(name) for name in names}}


@pytest.fixture(scope="session")
def users(ours_cluster) -> dict[str, str]:
    """Tokens of an administrator and of somebody without any right, on our server."""
    return {
        name: ours_cluster.in_loop(lambda name=name: ours_cluster.server.add_user_token(name, []))
        for name in ("admin", "nobody")
    }


@pytest.fixture(scope="session")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[control_plane.ControlPlane]:
    """A real kube-apiserver with what our own starts with."""
    folder = tmp_path_factory.mktemp("real")
    with control_plane.control_plane(folder, (rbac_defaults.OWNER, "nobody")) as plane:
        control_plane.install(plane, crds.definitions())
        objects = [*rbac_defaults.cluster_objects(), *rbac_defaults.user_objects("alice", NAMESPACE)]
        control_plane.seed(plane, objects)
        yield plane


@pytest.fixture(scope="session")
def real_cluster(real: control_plane.ControlPlane) -> Cluster:
    return Cluster(None, real.host, real.ca, real.tokens["admin"], None)
