"""A real etcd, kube-apiserver and kube-controller-manager on loopback, for as long as a test session.

Owns building them (see README.md), their flags and their end. Nothing is installed on the machine.
"""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import requests
import urllib3
import yaml
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager")
_HERE = Path(__file__).parent
_MISSING = (
    "the cluster tests need Go (https://go.dev/dl/, or apt-get install golang-go) to build a Kubernetes API"
    " server, or KUBEBUILDER_ASSETS, a folder with etcd, kube-apiserver and kube-controller-manager"
)
#: How long a server may take to get ready. Unit: seconds.
_READY_S = 90.0
_CONTROLLERS = (
    "serviceaccount-controller",
    "root-ca-certificate-publisher-controller",
    "garbage-collector-controller",
    "namespace-controller",
    "resourcequota-controller",
    "clusterrole-aggregation-controller",
)


class NotThere(RuntimeError):
    """The servers cannot be had; the message says what to install."""


def programs() -> Path:
    """Return the folder with the three programs, and build them when it is not there."""
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    if assets:
        folder = Path(assets)
        absent = [name for name in PROGRAMS if not (folder / name).is_file()]
        if absent:
            raise NotThere(f"KUBEBUILDER_ASSETS={assets} has no {', '.join(absent)}: {_MISSING}")
        return folder
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "argovx-lab" / "servers"
    folder = cache / hashlib.sha256((_HERE / "go.sum").read_bytes()).hexdigest()[:16]
    if folder.is_dir():
        return folder
    if shutil.which("go") is None:
        raise NotThere(_MISSING)
    cache.mkdir(parents=True, exist_ok=True)
    with (cache / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.is_dir():
            _build(folder)
    return folder


def _build(folder: Path) -> None:
    with tempfile.TemporaryDirectory(dir=folder.parent) as made:
        command = ["go", "build", "-trimpath", "-ldflags", "-s -w", "-o", f"{made}/"]
        done = subprocess.run(
            [*command, *(f"./{name}" for name in PROGRAMS)],
            cwd=_HERE,
            env={**os.environ, "CGO_ENABLED": "0"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1]
            raise NotThere(f"go build of the cluster tests' servers failed: {last}")
        Path(made).chmod(0o755)
        shutil.copytree(made, f"{folder}.new", dirs_exist_ok=True)
    Path(f"{folder}.new").rename(folder)


@dataclass
class ControlPlane:
    """A running control plane.

    Attributes
    ----------
    host : str
        Base URL of the API server.
    ca : Path
        What its certificate is checked with.
    tokens : dict
        User → bearer token; ``admin`` is in ``system:masters``.
    """

    folder: Path
    host: str = ""
    etcd: str = ""
    tokens: dict[str, str] = field(default_factory=dict)
    _running: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def ca(self) -> Path:
        return self.folder / "certificates" / "apiserver.crt"

    def http(self, method: str, path: str, token: str = "", **options) -> requests.Response:
        """Send one request; ``token`` is the administrator's when it is empty."""
        headers = {"authorization": f"Bearer {token or self.tokens['admin']}", **options.pop("headers", {})}
        options.setdefault("timeout", 30)
        return requests.request(method, self.host + path, headers=headers, verify=str(self.ca), **options)

    def kubeconfig(self, user: str = "admin") -> Path:
        """Write a kubeconfig of a user and return its path."""
        path = self.folder / f"{user}.kubeconfig"
        cluster = {"server": self.host, "certificate-authority": str(self.ca)}
        document = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "real", "cluster": cluster}],
            "users": [{"name": user, "user": {"token": self.tokens[user]}}],
            "contexts": [{"name": user, "context": {"cluster": "real", "user": user}}],
            "current-context": user,
        }
        path.write_text(json.dumps(document))
        path.chmod(0o600)
        return path

    def run(self, program: Path, *flags: str) -> None:
        """Start a program with its log in the folder."""
        with (self.folder / f"{program.name}.log").open("wb") as log:
            command = [str(program), *flags]
            self._running.append(subprocess.Popen(command, stdout=log, stderr=log, cwd=self.folder))

    def check(self) -> None:
        """Raise when a program has ended."""
        for process in self._running:
            if process.poll() is not None:
                name = Path(process.args[0]).name
                tail = (self.folder / f"{name}.log").read_text(errors="replace")[-2000:]
                raise NotThere(f"{name} ended with {process.returncode}:\n{tail}")

    def stop(self) -> None:
        """End the programs, the last started first."""
        for process in reversed(self._running):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


@contextlib.contextmanager
def control_plane(folder: Path, users: tuple[str, ...] = ()) -> Iterator[ControlPlane]:
    """Yield a ready control plane with an administrator and ``users``, and end it."""
    found = ControlPlane(folder)
    binaries = programs()
    try:
        _start(found, binaries, users)
        yield found
    finally:
        found.stop()


def _start(plane: ControlPlane, binaries: Path, users: tuple[str, ...]) -> None:
    client, peer, secure, managed = _free_ports(4)
    plane.etcd, plane.host = f"http://127.0.0.1:{client}", f"https://127.0.0.1:{secure}"
    plane.run(
        binaries / "etcd",
        f"--data-dir={plane.folder / 'etcd'}",
        "--unsafe-no-fsync",
        "--log-level=warn",
        f"--listen-client-urls={plane.etcd}",
        f"--advertise-client-urls={plane.etcd}",
        f"--listen-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-advertise-peer-urls=http://127.0.0.1:{peer}",
        f"--initial-cluster=default=http://127.0.0.1:{peer}",
    )
    private, public = _signing_keys(plane.folder)
    plane.tokens = {name: secrets.token_urlsafe(24) for name in ("admin", *users)}
    lines = [
        f'{token},{name},{name},"system:masters"' if name == "admin" else f"{token},{name},{name}"
        for name, token in plane.tokens.items()
    ]
    table = plane.folder / "tokens.csv"
    table.write_text("\n".join(lines) + "\n")
    table.chmod(0o600)
    plane.run(
        binaries / "kube-apiserver",
        f"--etcd-servers={plane.etcd}",
        "--bind-address=127.0.0.1",
        f"--secure-port={secure}",
        f"--cert-dir={plane.folder / 'certificates'}",
        "--service-cluster-ip-range=10.0.0.0/24",
        f"--service-account-issuer={plane.host}",
        f"--service-account-key-file={public}",
        f"--service-account-signing-key-file={private}",
        f"--api-audiences={plane.host}",
        f"--token-auth-file={table}",
        "--authorization-mode=RBAC",
        "--allow-privileged",
        "--endpoint-reconciler-type=none",
    )
    _await(plane, "/readyz")
    plane.run(
        binaries / "kube-controller-manager",
        f"--kubeconfig={plane.kubeconfig()}",
        "--bind-address=127.0.0.1",
        f"--secure-port={managed}",
        f"--cert-dir={plane.folder / 'manager'}",
        "--leader-elect=false",
        f"--service-account-private-key-file={private}",
        f"--root-ca-file={plane.ca}",
        f"--controllers={','.join(_CONTROLLERS)}",
    )
    _await(plane, "/api/v1/namespaces/default/serviceaccounts/default")


def _await(plane: ControlPlane, path: str) -> None:
    deadline = time.monotonic() + _READY_S
    while time.monotonic() < deadline:
        plane.check()
        with contextlib.suppress(requests.RequestException, OSError, urllib3.exceptions.HTTPError):
            if plane.http("GET", path, timeout=5).status_code == 200:
                return
        time.sleep(0.1)
    raise NotThere(f"{plane.host}{path} was not ready after {_READY_S:.0f} s; see {plane.folder}")


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        held = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in held:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in held]


def _signing_keys(folder: Path) -> tuple[Path, Path]:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private, public = folder / "accounts.key", folder / "accounts.pub"
    private.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    private.chmod(0o600)
    public.write_bytes(
        key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
    )
    return private, public


def install(plane: ControlPlane, definitions: list[dict]) -> None:
    """Create CustomResourceDefinitions, or those of the folder ``ARGO_CRDS``, and wait until they are served."""
    folder = os.environ.get("ARGO_CRDS")
    if folder:
        texts = [path.read_text() for path in sorted(Path(folder).glob("*.yaml"))]
        definitions = [yaml.load(text, yaml.CSafeLoader) for text in texts]
        if not definitions:
            raise NotThere(f"ARGO_CRDS={folder} has no .yaml file")
    for definition in definitions:
        _created(plane, "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)
    for definition in definitions:
        spec = definition["spec"]
        _await(plane, f"/apis/{spec['group']}/{spec['versions'][0]['name']}/{spec['names']['plural']}")


def seed(plane: ControlPlane, objects: list[dict]) -> None:
    """Create objects of the kinds that the sandbox starts with; those that are there stay."""
    plurals = {"Namespace": "namespaces", "ServiceAccount": "serviceaccounts", "ConfigMap": "configmaps"}
    for obj in objects:
        group = f"/apis/{obj['apiVersion']}" if "/" in obj["apiVersion"] else f"/api/{obj['apiVersion']}"
        place = f"/namespaces/{obj['metadata']['namespace']}" if "namespace" in obj["metadata"] else ""
        plural = plurals.get(obj["kind"], f"{obj['kind'].lower()}s")
        _created(plane, f"{group}{place}/{plural}", obj)


def _created(plane: ControlPlane, path: str, obj: dict) -> None:
    answer = plane.http("POST", path, json=obj)
    if answer.status_code not in (201, 409):
        raise NotThere(f"POST {path}: {answer.status_code} {answer.text[:500]}")


def main() -> int:
    """Build the programs, so that the tests find them; say in one line what is missing."""
    try:
        programs()
    except NotThere as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
