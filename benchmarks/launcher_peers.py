"""The programs beside which the launcher is measured: each creates one custom job in its own usual way."""

#: The launcher's own requests, sent by google-auth and requests: the floor.
BARE = """
import base64, json, sys
import requests
from google.auth import identity_pool
from google.auth.transport.requests import AuthorizedSession

with open(sys.argv[1]) as file:
    plan = json.load(file)
google = AuthorizedSession(identity_pool.Credentials(
    audience=plan["audience"],
    subject_token_type="urn:ietf:params:oauth:token-type:jwt",
    token_url=plan["url"] + "/v1/token",
    credential_source={"file": plan["token_file"]},
    scopes=["https://www.googleapis.com/auth/cloud-platform"],
))
cluster = requests.Session()
with open(plan["cluster_token_file"]) as file:
    cluster.headers["Authorization"] = "Bearer " + file.read().strip()
for method, path, kind, body in plan["requests"]:
    session, url = (cluster, plan["cluster"]) if path.startswith("/apis/") else (google, plan["url"])
    headers = {"Content-Type": kind} if kind else {}
    answer = session.request(method, url + path, data=base64.b64decode(body), headers=headers)
    print(method, answer.status_code, answer.url, file=sys.stderr)
"""

#: Google's generated client, over gRPC.
GAPIC = """
import json, sys
from google.cloud import aiplatform_v1

with open(sys.argv[1]) as file:
    plan = json.load(file)
endpoint = plan["region"] + "-aiplatform.googleapis.com"
client = aiplatform_v1.JobServiceClient(client_options={"api_endpoint": endpoint})
pool = {
    "machine_spec": {"machine_type": "n1-standard-8"},
    "replica_count": 1,
    "container_spec": {"image_uri": plan["image"], "command": ["true"]},
}
spec = {
    "worker_pool_specs": [pool],
    "service_account": plan["run_as"],
    "base_output_directory": {"output_uri_prefix": plan["folder"]},
}
job = client.create_custom_job(
    parent="projects/%(project)s/locations/%(region)s" % plan,
    custom_job={"display_name": "gapic", "job_spec": spec, "labels": {"peer": "gapic"}},
)
print("created", job.name, file=sys.stderr)
"""

#: The Vertex SDK.
SDK = """
import json, sys
from google.cloud import aiplatform

with open(sys.argv[1]) as file:
    plan = json.load(file)
aiplatform.init(project=plan["project"], location=plan["region"], staging_bucket="gs://" + plan["bucket"])
pool = {
    "machine_spec": {"machine_type": "n1-standard-8"},
    "replica_count": 1,
    "container_spec": {"image_uri": plan["image"], "command": ["true"]},
}
job = aiplatform.CustomJob(
    display_name="sdk",
    worker_pool_specs=[pool],
    base_output_dir=plan["folder"],
    labels={"peer": "sdk"},
)
job.submit(service_account=plan["run_as"])
print("created", job.resource_name, file=sys.stderr)
"""

#: What Google Cloud Pipeline Components runs in a step's container.
COMPONENTS = "google_cloud_pipeline_components.container.v1.custom_job.launcher"

#: A child's ru_maxrss begins with the size of the process that it was forked from: this one must be small.
#: A child that waits for its job is killed as soon as the file is there that it writes after the create call.
SMALL = """
import json, os, signal, sys, time
until, *command = sys.argv[1:]
start = time.monotonic()
pid = os.fork()
if pid == 0:
    os.dup2(2, 1)
    os.execv(command[0], command)
done, status, usage = (0, 0, None) if until else os.wait4(pid, 0)
while not done:
    if os.path.exists(until) and os.path.getsize(until):
        os.kill(pid, signal.SIGKILL)
        done, status, usage = os.wait4(pid, 0)
        break
    done, status, usage = os.wait4(pid, os.WNOHANG)
    time.sleep(0.005)
took = time.monotonic() - start
cpu = usage.ru_utime + usage.ru_stime
print(json.dumps([os.waitstatus_to_exitcode(status), took, cpu, usage.ru_maxrss]))
"""
