"""MetadataService, outcome by outcome.

On a real project it creates and deletes some twenty metadata nodes (a fraction of a cent) and leaves one schema
and the store ``default`` behind: schemas and the default store cannot be deleted by this API.

Usage: metadata.py grpc|rest
"""

import os

import rows
from google.cloud import aiplatform_v1 as v1
from rows import PARENT, TRANSPORT, rpc

client = rows.client(v1.MetadataServiceClient)
STORE = f"{PARENT}/metadataStores/default"
NO_STORE = f"{PARENT}/metadataStores/none"
TAG = f"matrix-{TRANSPORT}-{os.getpid()}"
S = "MetadataService."

store_id = f"{TAG}-store"
made = {"parent": PARENT, "metadata_store": {}, "metadata_store_id": store_id}
rpc(client, S + "CreateMetadataStore", made, wrong={"metadata_store_id": "No"}, conflict=True)
try:
    client.get_metadata_store(name=STORE)
except rows.exceptions.NotFound:
    client.create_metadata_store(request={**made, "metadata_store_id": "default"}).result(timeout=60)
rpc(client, S + "GetMetadataStore", {"name": STORE}, missing={"name": NO_STORE})
rpc(client, S + "ListMetadataStores", {"parent": PARENT}, page="metadata_stores")
place = {"name": f"{PARENT}/metadataStores/{store_id}"}
rpc(client, S + "DeleteMetadataStore", place, missing={"name": NO_STORE})

schema = "title: matrix.Thing\ntype: object\nadditionalProperties: false\nrequired: [rows]\nproperties: {rows: {type: integer}}"
schema_id = f"{TAG}-thing"
rpc(
    client,
    S + "CreateMetadataSchema",
    {
        "parent": STORE,
        "metadata_schema": {
            "schema": schema.replace("Thing", f"Thing{TRANSPORT}{os.getpid()}"),
            "schema_version": "0.1.0",
            "schema_type": "ARTIFACT_TYPE",
        },
        "metadata_schema_id": schema_id,
    },
    wrong={"metadata_schema": {"schema_version": "one"}},
    missing={"parent": NO_STORE},
    conflict=True,
)
second = {"schema": schema.replace("Thing", f"Other{TRANSPORT}{os.getpid()}"), "schema_version": "0.1.0"}
second["schema_type"] = "ARTIFACT_TYPE"
client.create_metadata_schema(parent=STORE, metadata_schema=second, metadata_schema_id=schema_id + "-2")
known = {"name": f"{STORE}/metadataSchemas/{schema_id}"}
rpc(client, S + "GetMetadataSchema", known, missing={"name": f"{STORE}/metadataSchemas/none"})
rpc(
    client,
    S + "ListMetadataSchemas",
    {"parent": STORE},
    wrong={"filter": 'colour="red"'},
    missing={"parent": NO_STORE},
    page="metadata_schemas",
)
for metadata, outcome in (({"rows": 1, "more": 2}, "invalid"), ({}, "invalid"), ({"rows": 1}, "ok")):
    title = f"matrix.Thing{TRANSPORT}{os.getpid()}"
    artifact = {"schema_title": title, "schema_version": "0.1.0", "metadata": metadata}
    request = {"parent": STORE, "artifact": artifact, "artifact_id": f"{TAG}-typed"}
    rows.try_call(S + "CreateArtifact", outcome, client.create_artifact, request)
client.delete_artifact(name=f"{STORE}/artifacts/{TAG}-typed").result(timeout=60)

KINDS = {
    "context": ("contexts", {"schema_title": "system.Experiment", "schema_version": "0.0.1"}),
    "execution": (
        "executions",
        {"schema_title": "system.Run", "schema_version": "0.0.1", "state": "RUNNING"},
    ),
    "artifact": (
        "artifacts",
        {"schema_title": "system.Dataset", "schema_version": "0.0.1", "uri": "gs://x/y"},
    ),
}


def title(kind):
    return kind.capitalize()


def name_of(kind, which):
    return f"{STORE}/{KINDS[kind][0]}/{TAG}-{which}"


for kind, (plural, node) in KINDS.items():
    create = {"parent": STORE, kind: {**node, "metadata": {"tag": TAG}}, f"{kind}_id": f"{TAG}-one"}
    rpc(
        client,
        f"{S}Create{title(kind)}",
        create,
        wrong={f"{kind}_id": "Not_Valid"},
        missing={"parent": NO_STORE},
        conflict=True,
    )
    getattr(client, f"create_{kind}")(request={**create, f"{kind}_id": f"{TAG}-two"})
    none = name_of(kind, "none")
    one = rpc(client, f"{S}Get{title(kind)}", {"name": name_of(kind, "one")}, missing={"name": none})
    rpc(
        client,
        f"{S}List{title(plural)}",
        {"parent": STORE, "filter": f'metadata.tag.string_value="{TAG}"', "order_by": "create_time desc"},
        wrong={"filter": 'labels.a="b"'},
        missing={"parent": NO_STORE},
        page=plural,
    )
    rpc(
        client,
        f"{S}Update{title(kind)}",
        {kind: {"name": name_of(kind, "one"), "display_name": "renamed", "etag": one.etag}},
        wrong={kind: {"etag": ""}, "update_mask": {"paths": ["create_time"]}},
        missing={kind: {"name": none, "etag": ""}},
        stale={kind: {"etag": one.etag}},
    )

parent, child = name_of("context", "one"), name_of("context", "two")
artifact, execution = name_of("artifact", "one"), name_of("execution", "one")
no_context, no_execution = name_of("context", "none"), name_of("execution", "none")
pair = {"context": parent, "child_contexts": [child]}
itself = {"child_contexts": [parent]}
rpc(client, S + "AddContextChildren", pair, wrong=itself, missing={"context": no_context})
members = {"context": child, "artifacts": [artifact], "executions": [execution]}
rpc(client, S + "AddContextArtifactsAndExecutions", members, missing={"context": no_context})
events = {"execution": execution, "events": [{"artifact": artifact, "type_": "OUTPUT"}]}
untyped = {"events": [{"artifact": artifact}]}
rpc(client, S + "AddExecutionEvents", events, wrong=untyped, missing={"execution": no_execution})
rpc(client, S + "QueryContextLineageSubgraph", {"context": child}, missing={"context": no_context})
rpc(
    client,
    S + "QueryExecutionInputsAndOutputs",
    {"execution": execution},
    missing={"execution": no_execution},
)
rpc(
    client,
    S + "QueryArtifactLineageSubgraph",
    {"artifact": artifact},
    wrong={"max_hops": -1},
    missing={"artifact": name_of("artifact", "none")},
)
rpc(client, S + "RemoveContextChildren", pair, missing={"context": no_context})

for kind, (plural, _) in KINDS.items():
    now = getattr(client, f"get_{kind}")(name=name_of(kind, "one"))
    rows.try_call(
        f"{S}Delete{title(kind)}",
        "stale",
        getattr(client, f"delete_{kind}"),
        {"name": name_of(kind, "one"), "etag": "1"},
    )
    gone = {"name": name_of(kind, "one"), "etag": now.etag}
    rpc(client, f"{S}Delete{title(kind)}", gone, missing={"name": name_of(kind, "none")})
    rpc(
        client,
        f"{S}Purge{title(plural)}",
        {"parent": STORE, "filter": f'metadata.tag.string_value="{TAG}"', "force": True},
        wrong={"filter": ""},
        missing={"parent": NO_STORE},
    )
