"""Logging, Monitoring, Resource Manager, IAM and IAM Credentials, outcome by outcome.

On a real project it runs one custom job of about a minute on n1-standard-4 (about 0.01 USD), writes two log
entries and deletes their log, creates and deletes a service account, and changes the project's policy and back:
use a project that is there for tests. The caller needs roles/owner, or the admin roles of these services.

Usage: project.py grpc|rest
"""

import datetime as dt
import os
import time

import rows
from google.cloud import (
    aiplatform_v1,
    iam_admin_v1,
    iam_credentials_v1,
    logging_v2,
    monitoring_v3,
    resourcemanager_v3,
)
from rows import PARENT, PROJECT, TRANSPORT, rpc

HOME = f"projects/{PROJECT}"
ACCOUNT = os.environ["SERVICE_ACCOUNT"]
REST = TRANSPORT == "rest"
TOKEN = "pageToken" if REST else "page_token"

# a job whose lines and series are read
jobs = rows.client(aiplatform_v1.JobServiceClient)
code = "import time\nfor n in range(30): print('line', n, flush=True); sum(range(10**6)); time.sleep(0.1)"
container = {"image_uri": "python:3.11", "command": ["python3", "-c", code]}
pool = {"machine_spec": {"machine_type": "n1-standard-4"}, "replica_count": 1, "container_spec": container}
spec = {"worker_pool_specs": [pool], "service_account": ACCOUNT}
job = jobs.create_custom_job(parent=PARENT, custom_job={"display_name": "series", "job_spec": spec})
while not jobs.get_custom_job(name=job.name).end_time:
    time.sleep(0.1)
job_id = job.name.rpartition("/")[2]

# Logging
LOG = f"{HOME}/logs/matrix-{TRANSPORT}"
logs = (
    rows.Session(
        "https://logging.googleapis.com",
        {
            "list_log_entries": ("POST", "/v2/entries:list", True),
            "write_log_entries": ("POST", "/v2/entries:write", True),
            "list_logs": ("GET", "/v2/{parent}/logs", False),
            "delete_log": ("DELETE", "/v2/{log_name}", False),
        },
    )
    if REST
    else logging_v2.services.logging_service_v2.LoggingServiceV2Client()
)
S = "LoggingServiceV2."
names, order = ("resourceNames", "orderBy") if REST else ("resource_names", "order_by")
text, log_name = ("textPayload", "logName") if REST else ("text_payload", "log_name")
write = {log_name: LOG, "resource": {"type": "global"}, "entries": [{text: "one"}, {text: "two"}]}
rpc(logs, S + "WriteLogEntries", write, wrong={"entries": [{}]})
rpc(
    logs,
    S + "ListLogEntries",
    {names: [HOME], "filter": f'logName="{LOG}"', order: "timestamp asc"},
    wrong={"filter": 'colour="red"'},
    page="entries",
)
rpc(logs, S + "ListLogs", {"parent": HOME}, wrong={TOKEN: "x"}, page="logNames" if REST else "log_names")
rpc(
    logs,
    S + "DeleteLog",
    {"log_name": LOG},
    wrong={"log_name": f"{HOME}/logs/cloudaudit.googleapis.com%2Factivity"},
    missing={"log_name": f"{HOME}/logs/nothing"},
)

# Monitoring
metrics = (
    rows.Session(
        "https://monitoring.googleapis.com",
        {
            "list_time_series": ("GET", "/v3/{name}/timeSeries", False),
            "list_metric_descriptors": ("GET", "/v3/{name}/metricDescriptors", False),
            "get_metric_descriptor": ("GET", "/v3/{name}", False),
            "list_monitored_resource_descriptors": ("GET", "/v3/{name}/monitoredResourceDescriptors", False),
            "get_monitored_resource_descriptor": ("GET", "/v3/{name}", False),
        },
    )
    if REST
    else monitoring_v3.MetricServiceClient()
)
S, CPU = "MetricService.", "ml.googleapis.com/training/cpu/utilization"
now = dt.datetime.now(dt.UTC)
span = {
    "start": (now - dt.timedelta(hours=1)).isoformat(),
    "end": (now + dt.timedelta(minutes=1)).isoformat(),
}
interval = (
    {"startTime": span["start"], "endTime": span["end"]}
    if REST
    else {"start_time": span["start"], "end_time": span["end"]}
)
asked = {
    "name": HOME,
    "filter": f'metric.type="{CPU}" AND resource.labels.job_id="{job_id}"',
    "interval": interval,
}
aligned = (
    {"perSeriesAligner": "ALIGN_MAX", "alignmentPeriod": "60s"}
    if REST
    else {"per_series_aligner": "ALIGN_MAX", "alignment_period": {"seconds": 60}}
)
rpc(
    metrics,
    S + "ListTimeSeries",
    {**asked, "aggregation": aligned},
    wrong={"filter": 'colour="red"'},
    missing={"filter": 'metric.type="custom.googleapis.com/none"'},
)
descriptor = f"{HOME}/metricDescriptors/{CPU}"
rpc(
    metrics,
    S + "ListMetricDescriptors",
    {"name": HOME},
    wrong={"filter": 'colour="red"'},
    page="metricDescriptors" if REST else "metric_descriptors",
)
rpc(
    metrics,
    S + "GetMetricDescriptor",
    {"name": descriptor},
    wrong=False,
    missing={"name": descriptor + "/none"},
)
rpc(
    metrics,
    S + "ListMonitoredResourceDescriptors",
    {"name": HOME},
    wrong={TOKEN: "x"},
)
resource = f"{HOME}/monitoredResourceDescriptors/cloudml_job"
rpc(
    metrics,
    S + "GetMonitoredResourceDescriptor",
    {"name": resource},
    wrong=False,
    missing={"name": resource + "s"},
)
jobs.delete_custom_job(name=job.name).result(timeout=60)

# Resource Manager
projects = resourcemanager_v3.ProjectsClient(transport=TRANSPORT)
S = "Projects."
rpc(projects, S + "GetProject", {"name": HOME}, wrong=False)
rpc(
    projects,
    S + "TestIamPermissions",
    {"resource": HOME, "permissions": ["resourcemanager.projects.get"]},
    wrong={"permissions": ["everything.*"]},
)
whole = {"resource": HOME, "options": {"requested_policy_version": 3}}
policy = rpc(projects, S + "GetIamPolicy", whole, wrong={"options": {"requested_policy_version": 7}})
before = [{"role": b.role, "members": list(b.members)} for b in policy.bindings if not b.condition.expression]
night = {"title": "until 2100", "expression": 'request.time < timestamp("2100-01-01T00:00:00Z")'}
added = {"role": "roles/browser", "members": [f"serviceAccount:{ACCOUNT}"], "condition": night}
change = {"resource": HOME, "policy": {"version": 3, "etag": policy.etag, "bindings": [*before, added]}}
rpc(
    projects,
    S + "SetIamPolicy",
    change,
    wrong={"policy": {"bindings": [*before, {**added, "condition": {**night, "expression": "1 +"}}]}},
    stale={},
)
again = projects.get_iam_policy(request=whole)
if not any(b.condition.title == "until 2100" for b in again.bindings):
    raise AssertionError("the condition was not kept")
projects.set_iam_policy(
    request={"resource": HOME, "policy": {"etag": again.etag, "version": 3, "bindings": before}}
)

# IAM
BODY = ("POST", "/v1/{resource}:setIamPolicy", True)
accounts = (
    rows.Session(
        "https://iam.googleapis.com",
        {
            "list_service_accounts": ("GET", "/v1/{name}/serviceAccounts", False),
            "get_service_account": ("GET", "/v1/{name}", False),
            "create_service_account": ("POST", "/v1/{name}/serviceAccounts", True),
            "delete_service_account": ("DELETE", "/v1/{name}", False),
            "get_iam_policy": ("POST", "/v1/{resource}:getIamPolicy", False),
            "set_iam_policy": BODY,
            "test_iam_permissions": ("POST", "/v1/{resource}:testIamPermissions", True),
        },
    )
    if REST
    else iam_admin_v1.IAMClient()
)
S, ID = "IAM.", f"matrix-{TRANSPORT}"
account_id = "accountId" if REST else "account_id"
rpc(
    accounts,
    S + "CreateServiceAccount",
    {"name": HOME, account_id: ID},
    wrong={account_id: "No"},
    conflict=True,
)
name = f"{HOME}/serviceAccounts/{ID}@{PROJECT}.iam.gserviceaccount.com"
NONE = f"{HOME}/serviceAccounts/none@{PROJECT}.iam.gserviceaccount.com"
rpc(accounts, S + "GetServiceAccount", {"name": name}, wrong=False, missing={"name": NONE})
rpc(
    accounts,
    S + "ListServiceAccounts",
    {"name": HOME},
    wrong={TOKEN: "x"},
    page="accounts",
)
policy = rpc(accounts, S + "GetIamPolicy", {"resource": name}, wrong=False, missing={"resource": NONE})
etag = policy["etag"] if REST else policy.etag
bindings = [{"role": "roles/iam.serviceAccountUser", "members": [f"serviceAccount:{ACCOUNT}"]}]
rpc(
    accounts,
    S + "SetIamPolicy",
    {"resource": name, "policy": {"etag": etag, "bindings": bindings}},
    wrong={"policy": {"bindings": [{"role": "roles/nothing", "members": [f"serviceAccount:{ACCOUNT}"]}]}},
    missing={"resource": NONE},
    stale={},
)
rpc(
    accounts,
    S + "TestIamPermissions",
    {"resource": name, "permissions": ["iam.serviceAccounts.actAs"]},
    denied=False,
    wrong={"permissions": ["everything.*"]},
    missing={"resource": NONE},
)

# IAM Credentials: whoever may act for the account gets a short token of it
me = os.environ["CALLER"]
token_creator = [{"role": "roles/iam.serviceAccountTokenCreator", "members": [me]}]
body = {"resource": name, "policy": {"bindings": token_creator}}
accounts.set_iam_policy(request=body)
generate = iam_credentials_v1.IAMCredentialsClient(transport=TRANSPORT)
wild = f"projects/-/serviceAccounts/{ID}@{PROJECT}.iam.gserviceaccount.com"
scope = ["https://www.googleapis.com/auth/cloud-platform"]
rpc(
    generate,
    "IAMCredentials.GenerateAccessToken",
    {"name": wild, "scope": scope, "lifetime": {"seconds": 900}},
    denied={"name": "projects/-/serviceAccounts/nobody@somebody-elses-project-2026.iam.gserviceaccount.com"},
    wrong={"lifetime": {"seconds": 999_999}},
)
rpc(accounts, S + "DeleteServiceAccount", {"name": name}, wrong=False, missing={"name": NONE})
