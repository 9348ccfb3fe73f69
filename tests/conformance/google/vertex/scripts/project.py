"""Resource Manager and Locations. Creates nothing.

Usage: project.py grpc|rest
"""

import os
import sys

from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1
from google.cloud import resourcemanager_v3

transport = sys.argv[1]


def say(*words):
    sys.stdout.write(" ".join(map(str, ("::", *words))) + "\n")


client = resourcemanager_v3.ProjectsClient(transport=transport)
project = client.get_project(name=f"projects/{os.environ['GOOGLE_CLOUD_PROJECT']}")
say(project.name, project.project_id, project.state.name)
try:
    client.get_project(name="projects/somebody-else")
except exceptions.Forbidden:
    say("foreign denied")
jobs = v1.JobServiceClient(
    transport=transport, client_options={"api_endpoint": "us-central1-aiplatform.googleapis.com"}
)
found = jobs.list_locations({"name": project.name})
say("locations", any(place.location_id == "us-central1" for place in found.locations))
