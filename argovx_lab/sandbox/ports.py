"""The sandbox's four ports: chosen free once, kept for ever, on loopback only.

They persist so that kubeconfigs and environments of shells stay valid when the server is started again.
"""

from __future__ import annotations

import errno
import json
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.state import write_private

LOOPBACK = "127.0.0.1"
#: Connections that may wait to be accepted.
BACKLOG = 1024


@dataclass(frozen=True)
class Ports:
    """Numbers of the listening ports."""

    kubernetes: int
    google: int
    metadata: int
    proxy: int


def listen(path: Path) -> tuple[Ports, dict[str, socket.socket]]:
    """Return the ports of ``path`` (chosen now when it is not there) and their listening sockets.

    Raises
    ------
    SandboxError
        When another program has one of them.
    """
    names = ("kubernetes", "google", "metadata", "proxy")
    wanted = dict.fromkeys(names, 0)
    known = path.exists()
    if known:
        wanted = {name: int(json.loads(path.read_text())[name]) for name in names}
    sockets: dict[str, socket.socket] = {}
    try:
        for name, port in wanted.items():
            sockets[name] = _bound(port)
    except OSError as error:
        for bound in sockets.values():
            bound.close()
        if error.errno != errno.EADDRINUSE:
            raise
        raise SandboxError(
            f"port {port} of the sandbox ({name}) is used by another program",
            hint=f"end that program; or remove {path}, which makes old kubeconfigs and environments stale",
        ) from None
    ports = Ports(**{name: bound.getsockname()[1] for name, bound in sockets.items()})
    if not known:
        write_private(path, json.dumps(asdict(ports)))
    return ports, sockets


def _bound(port: int) -> socket.socket:
    # With the protocol named, asyncio switches off Nagle's algorithm, which costs 40 ms a request.
    bound = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((LOOPBACK, port))
        bound.listen(BACKLOG)
        bound.setblocking(False)
    except OSError:
        bound.close()
        raise
    return bound
