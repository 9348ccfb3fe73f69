"""Quotas of a project: requests per minute and machines in use, off until the settings switch them on.

Owns which quota a call counts against, the documented defaults, and the refusal in Google's words with the
quota's real name as reason. A minute is a minute of the sandbox's clock.
Source: https://cloud.google.com/vertex-ai/docs/quotas, https://cloud.google.com/logging/quotas
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from argovx_lab.sandbox.clock import Clock
from argovx_lab.sandbox.google.errors import GoogleError

#: Name in ``[quotas]`` of the settings → what Google gives a new project.
#: Units: requests per minute (per region where the service is regional); vCPUs and jobs at the same time.
DEFAULTS: Final[Mapping[str, int]] = {
    "crud": 600,
    "submissions": 60,
    "metadata": 12_000,
    "tensorboard_reads": 60_000,
    "log_reads": 60,
    "token_exchanges": 6_000,
    "impersonations": 60_000,
    "cpus": 2_200,
    "preemptible_cpus": 2_200,
    "jobs": 2_000,
}


@dataclass(frozen=True)
class _Rate:
    """A quota per minute: the API and the metric's name and words."""

    service: str
    metric: str
    words: str
    regional: bool = True


_RATES: Final[Mapping[str, _Rate]] = {
    "crud": _Rate("aiplatform.googleapis.com", "resource_management_requests", "Resource management (CRUD)"),
    "submissions": _Rate("aiplatform.googleapis.com", "job_lro_submission_requests", "Job or LRO submission"),
    "metadata": _Rate("aiplatform.googleapis.com", "metadata_requests", "ML Metadata"),
    "tensorboard_reads": _Rate(
        "aiplatform.googleapis.com", "tensorboard_time_series_reads", "TensorBoard time series read"
    ),
    "log_reads": _Rate("logging.googleapis.com", "read_requests", "Read", regional=False),
    "token_exchanges": _Rate("sts.googleapis.com", "exchange_token_requests", "Token exchange", False),
    "storage": _Rate("storage.googleapis.com", "requests", "Cloud Storage", False),
    "impersonations": _Rate(
        "iamcredentials.googleapis.com", "generate_credentials_requests", "Generate credentials", False
    ),
}
_AI = "google.cloud.aiplatform.v1."
_SUBMISSIONS = tuple(
    f"{_AI}{name}"
    for name in (
        *("JobService.Create", "JobService.Delete"),
        *("PersistentResourceService.Create", "PersistentResourceService.Delete"),
    )
)
_READS = tuple(
    f"{_AI}TensorboardService.{verb}TensorboardTimeSeriesData" for verb in ("Read", "BatchRead", "Export")
)


def kind(rpc: str) -> str:
    """Return the name of the quota that a call counts against, or the empty string."""
    if rpc.startswith(_SUBMISSIONS):
        return "submissions"
    if rpc in _READS:
        return "tensorboard_reads"
    if rpc.startswith(_AI + "MetadataService."):
        return "metadata"
    if rpc.startswith((_AI, "google.longrunning.")):
        return "crud"
    if rpc.startswith("storage"):
        return "storage"
    return {
        "google.logging.v2.LoggingServiceV2.ListLogEntries": "log_reads",
        "google.iam.credentials.v1.IAMCredentials.GenerateAccessToken": "impersonations",
        "sts.ExchangeToken": "token_exchanges",
    }.get(rpc, "")


class Quotas:
    """Counts and refuses.

    Parameters
    ----------
    limits : mapping
        Name → limit, of :data:`DEFAULTS`; a name that is missing is not limited.
    clock : Clock
        For the minute.
    number : str
        Project number, for the refusal.
    """

    def __init__(self, limits: Mapping[str, int], clock: Clock, number: str) -> None:
        self.limits = dict(limits)
        self._clock = clock
        self._number = number
        self._minute = 0
        self._used: dict[tuple[str, str], int] = {}

    @property
    def counts_machines(self) -> bool:
        """Whether any quota of machines or jobs is on."""
        return not self.limits.keys().isdisjoint(_MACHINES)

    def take(self, rpc: str, location: str = "") -> None:
        """Count one call.

        Raises
        ------
        GoogleError
            RESOURCE_EXHAUSTED with reason RATE_LIMIT_EXCEEDED when the minute's quota is used up.
        """
        name = kind(rpc)
        limit = self.limits.get(name)
        if limit is None or name not in _RATES:
            return
        minute = int(self._clock.now().timestamp() // 60)
        if minute != self._minute:
            self._minute, self._used = minute, {}
        key = (name, location if _RATES[name].regional else "global")
        self._used[key] = self._used.get(key, 0) + 1
        if self._used[key] > limit:
            raise self.exceeded(rpc, location, limit)

    def exceeded(self, rpc: str, location: str, limit: int | None = None) -> GoogleError:
        """Return the refusal of a call whose quota is used up."""
        name = kind(rpc) or "crud"
        rate = _RATES[name]
        place = location if rate.regional and location else "global"
        per = f"{rate.words} requests per minute" + (" per region" if rate.regional else "")
        unit = "1/min/{project}" + ("/{region}" if rate.regional else "")
        return GoogleError(
            "RESOURCE_EXHAUSTED",
            f"Quota exceeded for quota metric '{rate.words} requests' and limit '{per}' of service "
            f"'{rate.service}' for consumer 'project_number:{self._number}'.",
            reason="RATE_LIMIT_EXCEEDED",
            metadata={
                "service": rate.service,
                "consumer": f"projects/{self._number}",
                "quota_metric": f"{rate.service}/{rate.metric}",
                "quota_limit": f"{rate.metric}PerMinutePerProject" + ("PerRegion" if rate.regional else ""),
                "quota_limit_value": str(DEFAULTS.get(name, 0) if limit is None else limit),
                "quota_location": place,
                "quota_unit": unit,
            },
        )

    def machines(self, wanted: Mapping[str, int], used: Mapping[str, int]) -> None:
        """Refuse a job whose machines are more than what is left.

        Parameters
        ----------
        wanted, used : mapping
            ``cpus``, ``preemptible_cpus`` and ``jobs`` → number, of the new job and of those that run.
        """
        over = [
            name
            for name, number in wanted.items()
            if number and name in self.limits and used.get(name, 0) + number > self.limits[name]
        ]
        if over:
            raise capacity([_MACHINES[name] for name in over])


#: Names of the machine quotas. Source: the page of Vertex AI's quotas.
_MACHINES: Final[Mapping[str, str]] = {
    "cpus": "custom_model_training_cpus",
    "preemptible_cpus": "custom_model_training_preemptible_cpus",
    "jobs": "custom_model_training_concurrent_jobs",
}


def capacity(metrics: list[str]) -> GoogleError:
    """Return the refusal of a job that asks for more machines than its project may have."""
    names = ", ".join(f"aiplatform.googleapis.com/{metric}" for metric in metrics)
    return GoogleError("RESOURCE_EXHAUSTED", f"The following quota metrics exceed quota limits: {names}")
