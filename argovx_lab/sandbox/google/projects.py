"""Resource Manager and Locations: the sandbox's one project, and its regions.

Refuses changes: there is one project, made with the sandbox.
Source: https://cloud.google.com/resource-manager/reference/rest/v3/projects
"""

from __future__ import annotations

from argovx_lab.sandbox.google.errors import invalid
from argovx_lab.sandbox.google.gateway import Call, Document, Handler
from argovx_lab.sandbox.google.names import REGIONS, Project, denied
from argovx_lab.sandbox.google.paging import page


class Projects:
    """Read access to the project and its locations."""

    def __init__(self, project: Project, created_at: str) -> None:
        self._project = project
        self._created_at = created_at

    def handlers(self) -> dict[str, Handler]:
        """Return the methods served here."""
        return {
            "/google.cloud.resourcemanager.v3.Projects/GetProject": self.get,
            "/google.cloud.location.Locations/GetLocation": self.location,
            "/google.cloud.location.Locations/ListLocations": self.locations,
        }

    async def get(self, _: Call, message: Document) -> Document:
        """Return the project."""
        name = message.get("name", "")
        if not self._project.owns(name):
            resource = f"//cloudresourcemanager.googleapis.com/{name}"
            raise denied("resourcemanager.projects.get", resource)
        return {
            "name": f"projects/{self._project.number}",
            "project_id": self._project.id,
            "display_name": self._project.id,
            "state": "ACTIVE",
            "create_time": self._created_at,
            "update_time": self._created_at,
        }

    async def location(self, _: Call, message: Document) -> Document:
        """Return one region."""
        return self._location(self._project.location(message.get("name", "")))

    async def locations(self, _: Call, message: Document) -> Document:
        """Return all regions."""
        if message.get("filter"):
            raise invalid("The sandbox lists locations without a filter only.", ["filter"])
        chosen, token = page([self._location(region) for region in sorted(REGIONS)], message)
        return {"locations": chosen, "next_page_token": token}

    def _location(self, region: str) -> Document:
        name = f"projects/{self._project.number}/locations/{region}"
        return {"name": name, "location_id": region}
