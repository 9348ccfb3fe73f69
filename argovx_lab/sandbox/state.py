"""The sandbox's state folder: where everything lies, who may run in it, and how it is found.

Owns the names of the files (ARCHITECTURE.md, "The sandbox's state folder"), the lock that allows one
server per folder, and ``sandbox.json``. Everything is for its owner only; the discovery file is written
last, atomically, with mode 0600.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path
from typing import Any

from argovx_lab.errors import SandboxError

#: Names of the kubeconfig's contexts.
OWNER_CONTEXT = "argovx-sandbox"
NOTEBOOK_CONTEXT = "argovx-notebook"


@dataclass(frozen=True)
class Status:
    """A running sandbox: what ``sandbox.json`` holds and ``argovx sandbox status --json`` prints.

    Parameters
    ----------
    pid : int
        The server's process.
    kubeconfig : str
        Contexts :data:`OWNER_CONTEXT` (current) and :data:`NOTEBOOK_CONTEXT`.
    argo_server : str or None
        Base URL of Argo's own REST API; ``None`` until the sandbox serves one.
    google_endpoint : str
        Base URL of every Google service; ``proxy`` leads unmodified clients there.
    ca, ca_bundle : str
        Own CA alone, and public roots with it.
    settings : dict
        What ``settings.toml`` says, with defaults.
    missing : dict
        Which Google RPCs were asked for in vain, and how often, over the life of the state folder.
    """

    pid: int
    state_dir: str
    started_at: str
    version: str
    kubeconfig: str
    kubernetes_endpoint: str
    owner_context: str
    notebook_context: str
    namespace: str
    argo_server: str | None
    google_endpoint: str
    metadata_host: str
    proxy: str
    ca: str
    ca_bundle: str
    project: str
    project_number: str
    region: str
    bucket: str
    credentials: str
    notebook_credentials: str
    owner_token: str
    notebook_token: str
    audience: str
    user: str
    run_as: str
    isolation: str
    settings: dict[str, Any]
    missing: dict[str, int] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Return the document."""
        return asdict(self)

    @classmethod
    def of(cls, document: dict[str, Any]) -> Status:
        """Read a document; fields of other versions are passed over."""
        document = {"missing": {}, **document}  # servers before this field wrote none
        return cls(**{known.name: document[known.name] for known in fields(cls)})


class StateDir:
    """Paths of one state folder."""

    def __init__(self, root: Path) -> None:
        self.root = root.expanduser().absolute()
        self.discovery = self.root / "sandbox.json"
        self.settings = self.root / "settings.toml"
        self.ports = self.root / "ports.json"
        self.identity = self.root / "identity.json"
        self.ca = self.root / "ca.pem"
        self.ca_bundle = self.root / "ca-bundle.pem"
        self.tls = self.root / "tls"
        self.kubeconfig = self.root / "kubeconfig"
        self.credentials = self.root / "credentials.json"
        self.notebook_credentials = self.root / "notebook-credentials.json"
        self.owner_token = self.root / "tokens" / "owner.jwt"
        self.notebook_token = self.root / "tokens" / "notebook.jwt"
        self.notebook_api_token = self.root / "tokens" / "notebook-api.jwt"
        self.kubernetes = self.root / "kubernetes.sqlite"
        self.pods = self.root / "processes" / "pods"
        self.faults = self.root / "faults.json"
        self.log = self.root / "log" / "server.log"
        self.errors = self.root / "log" / "server.err"
        self.lock = self.root / "server.lock"

    def make(self) -> None:
        """Make the folder, for its owner only.

        Raises
        ------
        SandboxError
            When the disk or its permissions do not allow it.
        """
        try:
            for folder in (self.root, self.tls, self.owner_token.parent, self.pods.parent, self.log.parent):
                folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self.root.chmod(0o700)
        except OSError as error:
            raise SandboxError(
                f"cannot make the sandbox's state folder {self.root}: {error.strerror}",
                hint="set ARGOVX_SANDBOX to a folder that you may write",
            ) from None

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for one server; the lock ends with the process, however it dies.

        Raises
        ------
        SandboxError
            When another server has it.
        """
        fd = os.open(self.lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            try:
                fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                raise SandboxError(
                    f"another sandbox server runs in {self.root}",
                    hint="`argovx sandbox status` shows it; `argovx sandbox stop` ends it",
                ) from None
            os.truncate(fd, 0)
            os.pwrite(fd, str(os.getpid()).encode(), 0)
            yield
        finally:
            os.close(fd)

    def holder(self) -> int:
        """Return the process that holds the folder; 0 when none does."""
        try:
            fd = os.open(self.lock, os.O_RDONLY | os.O_CLOEXEC)  # the disk may be read-only by now
        except OSError:  # not there, or not ours: a start will say which
            return 0
        try:
            fcntl.flock(fd, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError:
            return int(os.pread(fd, 20, 0) or b"0")
        finally:
            os.close(fd)
        return 0

    def read_status(self) -> Status | None:
        """Return what the discovery file says; ``None`` when there is none.

        Raises
        ------
        SandboxError
            When the file is there and is not what a server of this version writes.
        """
        try:
            return Status.of(json.loads(self.discovery.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError):
            raise SandboxError(
                f"{self.discovery} is damaged or of another version",
                hint="stop the sandbox with `argovx sandbox stop`, then start it again",
            ) from None


def write_private(path: Path, text: str | bytes) -> None:
    """Write a file atomically with mode 0600.

    Raises
    ------
    SandboxError
        When the disk is full or refuses.
    """
    data = text.encode() if isinstance(text, str) else text
    new = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        fd = os.open(new, os.O_CREAT | os.O_TRUNC | os.O_WRONLY | os.O_CLOEXEC, 0o600)
        with open(fd, "wb") as file:
            file.write(data)
        new.replace(path)
    except OSError as error:
        with suppress(OSError):
            new.unlink()
        raise SandboxError(
            f"cannot write {path}: {error.strerror}", hint="make room on the disk, or see its permissions"
        ) from None
