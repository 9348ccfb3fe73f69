"""Clients and the read path of one profile, each built on first use."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from argovx_lab.wiring import signin
from argovx_lab.wiring.profiles import SANDBOX, Profile

#: How long a first list of the Workflows is waited for. Unit: seconds.
FIRST_LIST_S = 5.0

if TYPE_CHECKING:
    from argovx_lab.cluster.client import Cluster
    from argovx_lab.cluster.reflector import Reflector
    from argovx_lab.identity.session import Session
    from argovx_lab.model.principal import Principal
    from argovx_lab.policy.bundle import Bundle
    from argovx_lab.runs.asking import Asking
    from argovx_lab.runs.follow import Follower
    from argovx_lab.runs.jobs.outside import Outside
    from argovx_lab.runs.store import RunStore
    from argovx_lab.storage.objects import Objects
    from argovx_lab.vertex.jobs import Jobs
    from argovx_lab.vertex.logs import Logs
    from argovx_lab.vertex.metadata import Metadata
    from argovx_lab.vertex.tensorboard import Tensorboards


class Services:
    """The clients of one profile, each built on first use."""

    def __init__(self, profile: Profile) -> None:
        self.profile = profile

    def revive(self) -> None:
        """Start the sandbox again when its server has died; one that was stopped stays stopped.

        Raises
        ------
        SandboxError
            When it cannot be started.
        """
        if self.profile.name == SANDBOX:
            from argovx_lab.wiring.local import restart_if_died

            restart_if_died()

    @cached_property
    def cluster(self) -> Cluster:
        """Kubernetes and Argo."""
        from argovx_lab.cluster.client import Cluster

        profile = self.profile
        return Cluster(Path(profile.kubeconfig), profile.context, profile.namespace)

    @cached_property
    def session(self) -> Session:
        """Authorized requests to Google."""
        from argovx_lab.identity.session import Session

        return Session(signin.federation(self.profile), environ=signin.environment())

    def principal(self) -> Principal:
        """Return who acts, as both ends see it now.

        Raises
        ------
        ArgovxError
            When Kubernetes cannot be asked; a sign-in at Google that fails is in ``problem``.
        """
        return signin.principal(self)

    @cached_property
    def objects(self) -> Objects:
        """Cloud Storage."""
        from argovx_lab.storage.objects import Objects

        return Objects(self.session, self.profile.endpoints.storage)

    @cached_property
    def jobs(self) -> Jobs:
        """Vertex custom jobs."""
        from argovx_lab.vertex.jobs import Jobs

        profile = self.profile
        return Jobs(self.session, profile.endpoints.aiplatform, profile.project, profile.region)

    @cached_property
    def metadata(self) -> Metadata:
        """Vertex ML Metadata."""
        from argovx_lab.vertex.metadata import Metadata

        profile = self.profile
        return Metadata(self.session, profile.endpoints.aiplatform, profile.project, profile.region)

    @cached_property
    def boards(self) -> Tensorboards:
        """Vertex TensorBoard."""
        from argovx_lab.vertex.tensorboard import Tensorboards

        return Tensorboards(self.session, self.profile.endpoints.aiplatform)

    @cached_property
    def logs(self) -> Logs:
        """Cloud Logging."""
        from argovx_lab.vertex.logs import Logs

        return Logs(self.session, self.profile.endpoints.logging, self.profile.project)

    @cached_property
    def policy(self) -> Bundle:
        """The policy bundle that judges submissions."""
        from argovx_lab.policy.bundle import default_bundle

        return default_bundle()


@dataclass
class ReadPath:
    """Reflector, follower and store of one profile, running."""

    store: RunStore
    reflector: Reflector
    follower: Follower
    asking: Asking
    outside: Outside

    def stop(self) -> None:
        """End the threads."""
        self.reflector.stop()
        self.follower.stop()


def read_path(services: Services) -> ReadPath:
    """Build and start the read path of a profile; what is there already is merged when it returns."""
    from argovx_lab.cluster.reflector import Reflector
    from argovx_lab.runs.asking import Asking, Cadence
    from argovx_lab.runs.follow import Follower
    from argovx_lab.runs.jobs.known import Bounds, Ends
    from argovx_lab.runs.jobs.outside import Outside
    from argovx_lab.runs.merge import About
    from argovx_lab.runs.store import RunStore

    profile, store = services.profile, RunStore()
    reflector = Reflector(services.cluster, services.revive)
    asking = Asking(
        services.jobs,
        services.objects,
        bucket_name=profile.bucket,
        prefix=profile.prefix,
        places=profile.read_places,
        cadence=Cadence(profile.bucket_poll_s, profile.vertex_poll_s),
    )
    about = About(profile.name, profile.namespace, profile.note, profile.note_now)
    outside = Outside(
        Ends(services.jobs, services.metadata, services.boards, services.logs),
        user=profile.user,
        about=about,
        bounds=Bounds(profile.vertex_jobs, profile.vertex_filter, profile.vertex_poll_s),
    )
    follower = Follower(reflector, asking, store, about=about, user=profile.user, outside=outside)
    reflector.listen(follower.changed)
    reflector.start()
    if reflector.wait_synced(FIRST_LIST_S):
        follower.publish()
    follower.start()
    return ReadPath(store, reflector, follower, asking, outside)
