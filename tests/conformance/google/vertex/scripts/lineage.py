"""ML Metadata through the generated client. Creates and deletes a few nodes (a fraction of a cent).

Usage: lineage.py grpc|rest
"""

import os
import sys

from google.api_core import exceptions
from google.cloud import aiplatform_v1 as v1

transport = sys.argv[1]
project = os.environ["GOOGLE_CLOUD_PROJECT"]
client = v1.MetadataServiceClient(
    transport=transport, client_options={"api_endpoint": "us-central1-aiplatform.googleapis.com"}
)
parent = f"projects/{project}/locations/us-central1"
store = f"{parent}/metadataStores/default"


def say(*words):
    sys.stdout.write(" ".join(map(str, ("::", *words))) + "\n")


def short(names):
    return sorted(name.rpartition("/")[2].removeprefix(f"{transport}-") for name in names)


try:
    client.get_metadata_store(name=store)
except exceptions.NotFound:
    operation = client.create_metadata_store(parent=parent, metadata_store={}, metadata_store_id="default")
    operation.result(timeout=60)
say("store", client.get_metadata_store(name=store).name.split("/")[1].isdigit())

run, execution = f"{transport}-run", f"{transport}-train"
client.create_context(
    parent=store,
    context_id=run,
    context={"display_name": "run", "schema_title": "system.PipelineRun", "schema_version": "0.0.1"},
)
client.create_context(
    parent=store, context_id=f"{transport}-exp", context={"schema_title": "system.Experiment"}
)
children = {"context": f"{store}/contexts/{transport}-exp", "child_contexts": [f"{store}/contexts/{run}"]}
client.add_context_children(request=children)
client.add_context_children(request=children)
child = client.get_context(name=f"{store}/contexts/{run}")
say("parents", short(child.parent_contexts))
try:
    client.add_context_children(context=child.name, child_contexts=[child.parent_contexts[0]])
except (exceptions.InvalidArgument, exceptions.BadRequest):
    say("cycle refused")

client.create_execution(
    parent=store,
    execution_id=execution,
    execution={"schema_title": "system.CustomJobExecution", "state": "RUNNING", "metadata": {"n": 1}},
)
for artifact in ("data", "model"):
    # upsert, as a writer that may be repeated does
    for _ in range(2):
        client.update_artifact(
            request={
                "artifact": {
                    "name": f"{store}/artifacts/{transport}-{artifact}",
                    "uri": f"gs://lab/{artifact}",
                    "schema_title": "system.Artifact",
                    "metadata": {"user": transport, "rows": 10 if artifact == "data" else 20},
                    "labels": {"kind": artifact},
                },
                "allow_missing": True,
            }
        )
events = [
    {"artifact": f"{store}/artifacts/{transport}-data", "type_": "INPUT"},
    {"artifact": f"{store}/artifacts/{transport}-model", "type_": "OUTPUT"},
]
for _ in range(2):
    client.add_execution_events(execution=f"{store}/executions/{execution}", events=events)
    client.add_context_artifacts_and_executions(
        context=child.name,
        artifacts=[event["artifact"] for event in events],
        executions=[f"{store}/executions/{execution}"],
    )
client.update_execution(
    execution={"name": f"{store}/executions/{execution}", "state": "COMPLETE"},
    update_mask={"paths": ["state"]},
)
done = client.get_execution(name=f"{store}/executions/{execution}")
say("execution", done.state.name, dict(done.metadata))

graph = client.query_execution_inputs_and_outputs(execution=done.name)
say("inputs and outputs", short(a.name for a in graph.artifacts), [e.type_.name for e in graph.events])
graph = client.query_context_lineage_subgraph(context=child.name)
say(
    "context",
    short(a.name for a in graph.artifacts),
    short(e.name for e in graph.executions),
    len(graph.events),
)
graph = client.query_artifact_lineage_subgraph(artifact=events[1]["artifact"])
say("closure", short(a.name for a in graph.artifacts))
graph = client.query_artifact_lineage_subgraph(request={"artifact": events[1]["artifact"], "max_hops": 1})
say("one hop", short(a.name for a in graph.artifacts), len(graph.executions))
try:
    client.query_artifact_lineage_subgraph(request={"artifact": events[1]["artifact"], "max_hops": -1})
except (exceptions.InvalidArgument, exceptions.BadRequest):
    say("negative hops refused")

for text in (
    f'metadata.user.string_value="{transport}" AND metadata.rows.number_value > 15',
    f'in_context("{child.name}") AND (uri="gs://lab/data" OR uri="gs://lab/other")',
    f'metadata.user.string_value="{transport}" AND NOT display_name="*" AND schema_title="system.*"',
):
    say("filter", short(a.name for a in client.list_artifacts(request={"parent": store, "filter": text})))
text = f'parent_contexts:"{store}/contexts/{transport}-exp"'
say("children", short(c.name for c in client.list_contexts(request={"parent": store, "filter": text})))
for text in ('labels.kind="data"', 'uri="x" AND', "((((((uri=1))))))"):
    try:
        list(client.list_artifacts(request={"parent": store, "filter": text}))
    except (exceptions.InvalidArgument, exceptions.BadRequest):
        say("filter refused")
ordered = {"parent": store, "filter": f'metadata.user.string_value="{transport}"', "order_by": "uri desc"}
pages = list(client.list_artifacts(request={**ordered, "page_size": 1}).pages)
say("pages", [short(a.name for a in page.artifacts) for page in pages])

stale = client.get_context(name=child.name)
client.update_context(context={"name": child.name, "metadata": {"_state": "RUNNING"}, "etag": stale.etag})
try:
    client.update_context(context=stale)
except (exceptions.Aborted, exceptions.Conflict) as error:
    say("stale etag", "does not match server `etag`" in error.message)
try:
    client.create_context(parent=store, context_id=run, context={})
except (exceptions.AlreadyExists, exceptions.Conflict):
    say("already exists")
try:
    client.get_context(name=f"{store}/contexts/nothing")
except exceptions.NotFound as error:
    say("not found", "GetContext is unable to find context resource with name" in error.message)
try:
    client.create_artifact(parent=store, artifact={"schema_title": "mine.Own", "schema_version": "1.0.0"})
except exceptions.NotFound:
    say("schema not found")
try:
    client.create_context(parent=store, context_id="Not_Valid", context={})
except (exceptions.InvalidArgument, exceptions.BadRequest):
    say("id refused")

client.delete_execution(name=done.name).result(timeout=60)
graph = client.query_artifact_lineage_subgraph(artifact=events[1]["artifact"])
say("after the delete", short(a.name for a in graph.artifacts), len(graph.executions), len(graph.events))
for event in events:
    client.delete_artifact(name=event["artifact"]).result(timeout=60)
for context in (run, f"{transport}-exp"):
    client.delete_context(name=f"{store}/contexts/{context}").result(timeout=60)
say("contexts left", short(c.name for c in client.list_contexts(parent=store) if f"/{transport}-" in c.name))
