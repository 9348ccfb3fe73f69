"""Resource names: requests may use the project's id or number, answers always carry the number.

Owns parsing against a pattern, the list of regions, and the refusal of foreign projects (which Google does
not tell from forbidden ones).
Source: https://google.aip.dev/122
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache

from argovx_lab.sandbox.google.errors import GoogleError, invalid, listed

#: Regions in which Vertex AI trains; a snapshot of November 2026. Source: the locations page of Vertex AI.
REGIONS = frozenset(
    {
        *("africa-south1", "asia-east1", "asia-east2", "asia-northeast1", "asia-northeast2"),
        *("asia-northeast3", "asia-south1", "asia-southeast1", "asia-southeast2", "australia-southeast1"),
        *("australia-southeast2", "europe-central2", "europe-north1", "europe-southwest1", "europe-west1"),
        *("europe-west12", "europe-west2", "europe-west3", "europe-west4", "europe-west6", "europe-west8"),
        *("europe-west9", "me-central1", "me-central2", "me-west1", "northamerica-northeast1"),
        *("northamerica-northeast2", "southamerica-east1", "southamerica-west1", "us-central1", "us-east1"),
        *("us-east4", "us-east5", "us-south1", "us-west1", "us-west2", "us-west3", "us-west4"),
    }
)

_LOCATED = re.compile(r"projects/[^/]+/locations/([^/]+)")
_REGIONAL = re.compile(r"([a-z0-9-]+)-aiplatform\.googleapis\.com")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(
        re.sub(r"\{(\w+)\}", r"(?P<\1>[^/]+)", re.escape(pattern).replace(r"\{", "{").replace(r"\}", "}"))
    )


@dataclass(frozen=True)
class Project:
    """The sandbox's one project."""

    id: str
    number: str
    region: str

    def canonical(self, name: str) -> str:
        """Return ``name`` with the project's number."""
        return self._with(name, self.number)

    def readable(self, name: str) -> str:
        """Return ``name`` with the project's id, as policies and messages write it."""
        return self._with(name, self.id)

    def _with(self, name: str, spelling: str) -> str:
        parts = name.split("/")
        if len(parts) > 1 and parts[0] == "projects" and parts[1] in (self.id, self.number):
            parts[1] = spelling
        return "/".join(parts)

    def owns(self, name: str) -> bool:
        """Say whether ``name`` lies in this project."""
        parts = name.split("/")
        return len(parts) > 1 and parts[0] == "projects" and parts[1] in (self.id, self.number)

    def parse(self, pattern: str, name: str, field: str = "name") -> dict[str, str]:
        """Return the variables of ``projects/{project}/locations/{location}/…`` in ``name``.

        Raises
        ------
        GoogleError
            INVALID_ARGUMENT when the name has another shape or an unknown location.
        """
        found = _compiled(pattern).fullmatch(name)
        if found is None:
            raise invalid(f"Invalid resource name '{name}' in '{field}'; expected '{pattern}'.", [field])
        values = found.groupdict()
        location = values.get("location")
        if location is not None and location not in REGIONS:
            raise invalid(f"Unsupported location '{location}' in '{field}'.", [field])
        return values

    def check_location(self, name: str, field: str = "name") -> None:
        """Refuse a name of any shape whose location does not exist."""
        found = _LOCATED.match(name)
        if found is not None and found[1] not in REGIONS:
            raise invalid(f"Unsupported location '{found[1]}' in '{field}'.", [field])

    def check_endpoint(self, host: str, name: str, field: str) -> None:
        """Refuse a name whose location is not that of the regional endpoint that was called.

        ``aiplatform.googleapis.com`` and addresses of the machine itself serve every location.

        Parameters
        ----------
        host : str
            Authority of the request, with or without a port.

        Raises
        ------
        GoogleError
            INVALID_ARGUMENT that names the endpoint's location.
        """
        found = _REGIONAL.fullmatch(host.partition(":")[0])
        if found is None:
            return
        if found[1] not in REGIONS:
            raise invalid(f"Invalid hostname: {found[0]}")
        located = _LOCATED.match(name)
        if located is not None and located[1] not in ("-", found[1]):
            said = (
                f"The provided location ID doesn't match the endpoint. The valid location ID is `{found[1]}`."
            )
            raise listed([(field, said)])

    def location(self, parent: str) -> str:
        """Return the location of ``projects/P/locations/L``."""
        return self.parse("projects/{project}/locations/{location}", parent, "parent")["location"]


def denied(permission: str, resource: str) -> GoogleError:
    """Return PERMISSION_DENIED as Google words it for resources that may not exist."""
    return GoogleError(
        "PERMISSION_DENIED",
        f"Permission '{permission}' denied on resource '{resource}' (or it may not exist).",
        reason="IAM_PERMISSION_DENIED",
        metadata={"permission": permission, "resource": resource.removeprefix("//").partition("/")[2]},
        domain=resource.removeprefix("//").partition("/")[0],
    )
