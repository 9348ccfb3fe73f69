"""Puts the Google end together: one store, all services, two ASGI applications and the job runner.

Owns the wiring and nothing else. The shell around it serves ``app`` with TLS (HTTP/1.1 and HTTP/2) and
``metadata_app`` in plaintext, sets ``metadata_host`` and ``job_environment``,
awaits :meth:`prepare`, and then :meth:`run`.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.clock import Clock, rfc3339
from argovx_lab.sandbox.faults import Faults
from argovx_lab.sandbox.google.accounts import Accounts
from argovx_lab.sandbox.google.app import GoogleApp
from argovx_lab.sandbox.google.assembly import assemble
from argovx_lab.sandbox.google.audit import Audit
from argovx_lab.sandbox.google.auth import Authenticator, require_scope
from argovx_lab.sandbox.google.caller import Caller
from argovx_lab.sandbox.google.credentials import IamCredentials
from argovx_lab.sandbox.google.disorder import Disorder
from argovx_lab.sandbox.google.gateway import Gateway
from argovx_lab.sandbox.google.iam import Iam
from argovx_lab.sandbox.google.jobs.runner import JobSettings
from argovx_lab.sandbox.google.metadata_server import MetadataServer
from argovx_lab.sandbox.google.names import Project
from argovx_lab.sandbox.google.noted import Note
from argovx_lab.sandbox.google.quotas import Quotas
from argovx_lab.sandbox.google.seed import seed
from argovx_lab.sandbox.google.storage.service import StorageService
from argovx_lab.sandbox.google.store import Store
from argovx_lab.sandbox.google.sts import SecurityTokenService
from argovx_lab.sandbox.google.subject_token import Provider, Verifier

_AUDIENCE = re.compile(
    r"(?:https:)?//iam\.googleapis\.com/projects/[^/]+/locations/global/workloadIdentityPools/([^/]+)"
    r"/providers/([^/]+)"
)


class GoogleServer:
    """The Google end of one sandbox.

    Parameters
    ----------
    folder : Path
        The sandbox's state folder; ``google.sqlite``, ``blobs/``, ``processes/`` and ``log/`` in it.
    project, project_number, region : str
        The one project; jobs of every region run here.
    user : str
        Slug of the user whose principals and grants are set up.
    bucket : str
        The bucket that exists from the start.
    clock : Clock
        Time.
    settings : JobSettings
        Images and provisioning time, read whenever they are needed.
    keys : callable
        Returns the JWKS of the cluster's issuer.
    issuer_url : str
        ``iss`` of subject tokens.
    audience : str
        The provider's full name, which subject tokens carry as ``aud``.
    namespace : str
        Where the ServiceAccounts of the principals are.
    prefix : str
        Folder of the bucket under which argovx-lab works.
    faults : Faults, optional
        What goes wrong on purpose.
    quotas : mapping, optional
        Quotas that are on, by the names of :data:`~argovx_lab.sandbox.google.quotas.DEFAULTS`.

    Attributes
    ----------
    metadata_host : str
        ``host:port`` of ``metadata_app``; set it before jobs start.
    job_environment : dict
        What every job's environment begins with.
    """

    def __init__(
        self,
        folder: Path,
        *,
        project: str,
        project_number: str,
        region: str,
        user: str,
        bucket: str,
        clock: Clock,
        settings: JobSettings,
        keys: Callable[[], Mapping[str, Any]],
        issuer_url: str,
        audience: str,
        namespace: str = "argovx",
        prefix: str = "",
        faults: Faults | None = None,
        quotas: Mapping[str, int] | None = None,
    ) -> None:
        self.metadata_host = ""
        self.job_environment: dict[str, str] = {}
        self.store = Store(folder / "google.sqlite")
        self.project = Project(project, project_number, region)
        self.clock = clock
        self.faults = faults or Faults()
        self.faults.on_skew = clock.advance
        audit_path = folder / "log" / "google-audit.jsonl"
        self._audit = Audit(audit_path, clock)

        self.authenticator = Authenticator(self.store, clock)
        self.iam = Iam(self.store, clock, project, project_number)
        self.accounts = Accounts(self.store, project, project_number)
        self.storage = StorageService(
            self.store, folder / "blobs", self.authenticator, self.iam, clock, self._note("storage")
        )
        provider = _provider(audience, project_number, issuer_url, namespace)
        self.sts = SecurityTokenService(
            self.authenticator, clock, provider, Verifier(provider, keys, clock), note=self._note("sts")
        )
        self.metadata_app = MetadataServer(
            self.authenticator,
            self.store,
            clock,
            project,
            project_number,
            zone=f"{region}-a",
            note=self._note("metadata"),
        )
        self._seed(user, bucket, namespace, prefix)
        limits = Quotas(quotas or {}, clock, project_number)
        disorder = Disorder(self.faults, limits, self.store, self.authenticator, clock)
        self.gateway = Gateway(
            self.project, self.store, self._audit, self.authenticator, self.iam, _require_scope, disorder
        )
        credentials = IamCredentials(
            self.authenticator, self.iam, self.accounts, clock, self._note("iamcredentials")
        )
        self._runner = assemble(self, folder, settings, disorder, audit_path, credentials)
        self.app = GoogleApp(self.gateway, self.sts, credentials, self.storage, disorder)

    def _note(self, transport: str) -> Note:
        return lambda noted: self.gateway.keep(transport, noted)

    def _seed(self, user: str, bucket: str, namespace: str, prefix: str) -> None:
        seed(
            self.store,
            self.iam,
            self.accounts,
            self.storage.buckets,
            user=user,
            bucket=bucket,
            namespace=namespace,
            location=self.project.region.upper(),
            prefix=prefix,
        )

    def created_at(self) -> str:
        """Return when the project was made."""
        found = self.store.get("project", self.project.id)
        if found is None:
            found = {"created_at": rfc3339(self.clock.now(), fraction=True)}
            self.store.put("project", self.project.id, found)
        return str(found["created_at"])

    def missing(self) -> dict[str, int]:
        """Return what was asked for in vain: RPC name → number of calls."""
        return self.gateway.missing()

    async def missed(self) -> None:
        """Wait until :meth:`missing` has changed since the last wait."""
        await self.gateway.missed.wait()
        self.gateway.missed.clear()

    async def prepare(self) -> None:
        """Remove what a killed server left half written; await it before the first request."""
        await self.storage.tidy()

    async def run(self) -> None:
        """Run custom jobs and tidy up until cancelled; jobs of a server before this one are found again."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._runner.run())
            group.create_task(self.storage.run())

    def close(self) -> None:
        """Close the files; processes of jobs go on."""
        self._audit.close()
        self.store.close()


def _require_scope(caller: Caller, service: str, write: bool) -> None:
    require_scope(caller, service, write=write)


def _provider(audience: str, number: str, issuer: str, namespace: str) -> Provider:
    found = _AUDIENCE.fullmatch(audience)
    if found is None:
        raise SandboxError(
            f"the audience {audience!r} is not a workload identity pool provider",
            hint="use //iam.googleapis.com/projects/NUMBER/locations/global/"
            "workloadIdentityPools/POOL/providers/ID",
        )
    return Provider(number, issuer, (namespace,), pool=found[1], provider=found[2])
