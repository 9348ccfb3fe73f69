"""Everything that protobuf describes, put together and registered at the gateway.

Owns the wiring of the described services and of the job runner with its companions.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from argovx_lab.sandbox.google.credentials import IamCredentials
from argovx_lab.sandbox.google.disorder import Disorder
from argovx_lab.sandbox.google.iam_admin import IamAdmin
from argovx_lab.sandbox.google.jobs.custom_jobs import CustomJobs
from argovx_lab.sandbox.google.jobs.machines import Machines
from argovx_lab.sandbox.google.jobs.persistent import PersistentResources
from argovx_lab.sandbox.google.jobs.placement import Placement
from argovx_lab.sandbox.google.jobs.records import Records
from argovx_lab.sandbox.google.jobs.runner import JobRunner, JobSettings
from argovx_lab.sandbox.google.logs.audit import AuditLogs
from argovx_lab.sandbox.google.logs.jobs import JobLogs
from argovx_lab.sandbox.google.logs.service import Logging
from argovx_lab.sandbox.google.logs.written import Written
from argovx_lab.sandbox.google.metadata.edges import Edges
from argovx_lab.sandbox.google.metadata.graph import Graph
from argovx_lab.sandbox.google.metadata.nodes import Nodes
from argovx_lab.sandbox.google.metadata.schemas import Schemas
from argovx_lab.sandbox.google.metadata.stores import Stores
from argovx_lab.sandbox.google.monitoring.sampler import Sampler
from argovx_lab.sandbox.google.monitoring.service import Metrics
from argovx_lab.sandbox.google.objects import ObjectReader
from argovx_lab.sandbox.google.operations import Operations
from argovx_lab.sandbox.google.projects import Projects
from argovx_lab.sandbox.google.tensorboard.data import Data
from argovx_lab.sandbox.google.tensorboard.levels import Boards
from argovx_lab.sandbox.google.tensorboard.resources import Resources
from argovx_lab.sandbox.google.tensorboard.uploader import Uploader

if TYPE_CHECKING:
    from argovx_lab.sandbox.google.server import GoogleServer


def assemble(
    server: GoogleServer,
    folder: Path,
    settings: JobSettings,
    disorder: Disorder,
    audit: Path,
    credentials: IamCredentials,
) -> JobRunner:
    """Register everything that protobuf describes; return the runner of its jobs."""
    store, project, clock = server.store, server.project, server.clock
    records, operations = Records(store, clock), Operations(store, project, clock)
    boards, graph = Boards(store, clock), Graph(store, clock)
    resources = Resources(boards, project, operations)
    held = PersistentResources(store, records, project, clock, operations)
    runner = _runner(server, folder, settings, records, held, boards)
    stores = Stores(graph, project, operations)
    schemas = Schemas(graph, stores, project)
    nodes = Nodes(graph, stores, schemas, project, operations)
    jobs = CustomJobs(
        records,
        project,
        clock,
        operations,
        runner,
        context_exists=nodes.exists,
        board_exists=resources.board_exists,
        check_held=held.check_job,
        quotas=disorder.quotas,
    )
    for service in (
        *(jobs, held, operations, stores, schemas, nodes, Edges(graph, nodes, project), resources),
        *(Data(boards, resources, project), Metrics(store, project), credentials),
        *(IamAdmin(server.iam, server.accounts, project), Projects(project, server.created_at())),
        _logging(server, records, folder / "processes", audit),
    ):
        server.gateway.register(service.handlers())
    return runner


def _runner(
    server: GoogleServer,
    folder: Path,
    settings: JobSettings,
    records: Records,
    held: PersistentResources,
    boards: Boards,
) -> JobRunner:
    store, clock = server.store, server.clock
    placement = Placement(
        records,
        folder / "processes",
        server.metadata_app,
        images=lambda: settings.images,
        base_environment=lambda: server.job_environment,
        metadata_host=lambda: server.metadata_host,
        default_account=server.accounts.custom_code_agent,
        project_number=server.project.number,
    )
    objects = ObjectReader(store, folder / "blobs", clock)
    return JobRunner(
        records,
        clock,
        placement,
        Machines(records, clock, server.faults, held, lambda: settings.provisioning_s),
        server.faults,
        project_id=server.project.id,
        companions=(Sampler(store, clock), Uploader(boards, objects, clock)),
    )


def _logging(server: GoogleServer, records: Records, processes: Path, audit: Path) -> Logging:
    project = server.project
    written = Written(server.store, project, server.clock)
    return Logging(JobLogs(records, project, processes), AuditLogs(audit, project.id), written, project)
