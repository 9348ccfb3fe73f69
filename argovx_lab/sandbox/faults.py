"""What goes wrong on purpose: the table of armed faults, for every service of the sandbox.

Owns the shape of a fault, how it matches, and how often it happens. A test arms one in process
(:meth:`Faults.add`), or from outside by writing ``faults.json`` (mode 0600) into the state folder, a list
of objects with the fields of :class:`Fault`; the server takes them over and removes the file. What a kind
does is done where the work is: on the wire by :mod:`.transport`, in the services by their own modules.
"""

from __future__ import annotations

import json
import logging
import os
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Final, Literal, get_args

from argovx_lab.errors import SandboxError

log = logging.getLogger(__name__)

#: What the transport does with any request.
WireKind = Literal["latency", "late", "status", "reset", "lost", "truncated"]
#: What a service does itself.
ServiceKind = Literal["quota", "stale", "disk_full", "token_expired", "stockout", "preemption", "skew"]
Kind = WireKind | ServiceKind
WIRE: Final[frozenset[str]] = frozenset(get_args(WireKind))
KINDS: Final[tuple[str, ...]] = (*get_args(WireKind), *get_args(ServiceKind))
#: A stale list is at most this old. Unit: seconds.
STALE_MAX_S: Final = 60.0


@dataclass
class Fault:
    """Something that goes wrong on purpose.

    Parameters
    ----------
    kind : str
        On the wire: ``latency``: wait ``seconds`` first. ``late``: do the work, then wait ``seconds`` before
        the answer. ``status``: answer ``status`` and do nothing, with ``retry_after_s`` as Retry-After.
        ``reset``: cut the connection before anything is done. ``lost``: do the work, then cut the connection
        instead of answering. ``truncated``: do the work, send ``bytes`` of the answer's body, then cut.
        In a service: ``quota``: 429 with the quota's name as reason. ``stale``: a list does not show what is
        younger than ``seconds``. ``disk_full``: the state cannot be written. ``token_expired``: the caller's
        token ends now; with ``skip`` in the middle of a transfer of several requests. ``stockout``: a job
        finds no machines. ``preemption``: a job loses a running replica's machine. ``skew``: the sandbox's
        clock moves by ``seconds``, once.
    service : str
        ``kubernetes``, ``google`` or ``metadata``, or one of Google's: ``aiplatform``, ``storage``,
        ``logging``, ``monitoring``, ``sts``, ``iam``, ``iamcredentials``, ``cloudresourcemanager``; empty
        means each.
    method : str
        HTTP method; empty means each.
    path : str
        Regular expression that is searched for in the raw path with its query.
    rpc : str
        Regular expression that is searched for in the method's name over both transports, such as
        ``JobService.CreateCustomJob`` or ``storage.objects.get``; for stockout and preemption in the job's
        display name.
    count : int
        How often it happens; -1 means for ever.
    skip : int
        How many matching requests pass before.
    probability : float
        Chance that a matching request meets it, drawn from ``seed``: the same seed meets the same ones.
    """

    kind: str
    service: str = ""
    method: str = ""
    path: str = ""
    count: int = 1
    skip: int = 0
    status: int = 503
    seconds: float = 0.0
    rpc: str = ""
    probability: float = 1.0
    seed: int = 0
    retry_after_s: float | None = None
    bytes: int = 1
    _random: random.Random = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise SandboxError(f"fault kind {self.kind!r} is not known", hint=f"use {', '.join(KINDS)}")
        for name in ("path", "rpc"):
            try:
                re.compile(getattr(self, name))
            except re.error as error:
                raise SandboxError(f"fault {name} {getattr(self, name)!r}: {error}") from None
        if not 0.0 <= self.probability <= 1.0:
            raise SandboxError(f"fault probability {self.probability!r} must be between 0 and 1")
        if self.kind == "stale" and not 0 < self.seconds <= STALE_MAX_S:
            raise SandboxError(f"a stale list needs seconds above 0 and up to {STALE_MAX_S:g}")
        self._random = random.Random(self.seed)  # noqa: S311  repeatable is the point

    def meets(self, service: str, method: str, target: str, rpc: str) -> bool:
        """Say whether a request is one that this fault is for."""
        return (
            self.count != 0
            and self.service in ("", service, _api(rpc))
            and self.method in ("", method)
            and re.search(self.path, target) is not None
            and (not self.rpc or re.search(self.rpc, rpc) is not None)
        )

    def happens(self) -> bool:
        """Count one that is met; say whether it goes wrong."""
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.probability < 1.0 and self._random.random() >= self.probability:
            return False
        self.count -= self.count > 0
        return True


#: Package of an RPC's name → the service that a fault names.
_PACKAGES: Final = (
    ("google.cloud.aiplatform.", "aiplatform"),
    ("google.longrunning.", "aiplatform"),
    ("google.cloud.location.", "aiplatform"),
    ("google.logging.", "logging"),
    ("google.monitoring.", "monitoring"),
    ("google.iam.credentials.", "iamcredentials"),
    ("google.iam.admin.", "iam"),
    ("google.cloud.resourcemanager.", "cloudresourcemanager"),
)


def _api(rpc: str) -> str:
    found = next((name for package, name in _PACKAGES if rpc.startswith(package)), "")
    return found or rpc.partition(".")[0]


#: A request looks into the file at its start; what is asked right after needs no new look. Unit: seconds.
_AGAIN_S: Final = 0.001


class Faults:
    """The table of armed faults.

    Parameters
    ----------
    path : Path, optional
        The file that arms faults from outside.

    Attributes
    ----------
    on_skew : callable
        Moves the clock by seconds; called when a fault of kind ``skew`` is armed.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._armed: list[Fault] = []
        self._looked_at = -1.0
        self.on_skew: Callable[[float], None] = lambda _: None

    def add(self, fault: Fault) -> None:
        """Arm a fault; a skew happens at once."""
        if fault.kind == "skew":
            self.on_skew(fault.seconds)
            return
        self._armed.append(fault)

    def clear(self) -> None:
        """Disarm all."""
        self._armed.clear()

    def any(self) -> bool:
        """Say whether any fault is armed at all: as a rule none is, and nothing more needs to be known."""
        self._read()
        return bool(self._armed)

    def take(self, service: str, method: str, target: str, rpc: str = "") -> Fault | None:
        """Return the fault on the wire that this request meets, counting it; ``None`` as a rule."""
        self._read()
        return self._first(lambda f: f.kind in WIRE and f.meets(service, method, target, rpc))

    def within(self, kind: ServiceKind, rpc: str, target: str = "", service: str = "") -> Fault | None:
        """Return the fault of ``kind`` that a service's own work meets, counting it.

        Parameters
        ----------
        rpc : str
            The method's full name: ``google.cloud.aiplatform.v1.…``, ``storage.objects.get``; for jobs
            their display name.
        target : str
            What ``path`` of the fault is searched for in.
        service : str
            ``google`` or one of Google's services; by default it follows from ``rpc``.
        """
        return self._first(lambda f: f.kind == kind and f.meets(service or _api(rpc), f.method, target, rpc))

    def armed(self, kind: ServiceKind) -> bool:
        """Say whether any fault of ``kind`` waits for its request."""
        self._read()
        return any(fault.kind == kind and fault.count != 0 for fault in self._armed)

    def _first(self, fits: Callable[[Fault], bool]) -> Fault | None:
        self._read(_AGAIN_S)
        if not self._armed:
            return None
        self._armed = [fault for fault in self._armed if fault.count != 0]
        return next((fault for fault in self._armed if fits(fault) and fault.happens()), None)

    def _read(self, every_s: float = 0.0) -> None:
        now = time.monotonic()
        if self._path is None or now - self._looked_at < every_s:
            return
        self._looked_at = now
        try:
            mode = os.stat(self._path).st_mode  # for every request: cheaper than Path.exists
        except OSError:
            return
        try:
            if mode & 0o077:
                raise SandboxError("the file must have mode 0600")
            for fault in [Fault(**document) for document in json.loads(self._path.read_text())]:
                self.add(fault)
        except (ValueError, TypeError, SandboxError) as error:
            known = ", ".join(f.name for f in fields(Fault) if f.init)
            log.error("faults.json is not used: %s; fields are %s", error, known)
        self._path.unlink(missing_ok=True)
