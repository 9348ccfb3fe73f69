"""TensorboardService, outcome by outcome.

On a real project it creates and deletes two TensorBoard instances with a few points (free below 10 GB).

Usage: tensorboard.py grpc|rest
"""

import rows
from google.cloud import aiplatform_v1 as v1
from rows import PARENT, rpc

client = rows.client(v1.TensorboardServiceClient)
S = "TensorboardService."

named = {"display_name": "matrix"}
unnamed = {"tensorboard": {"display_name": ""}}
board = rpc(client, S + "CreateTensorboard", {"parent": PARENT, "tensorboard": named}, wrong=unnamed).name
board = board.replace(board.split("/")[1], rows.PROJECT)
other = client.create_tensorboard(parent=PARENT, tensorboard=named).result(timeout=60).name
NO_BOARD = board[: board.rindex("/")] + "/1"
EXPERIMENT, RUN = f"{board}/experiments/e0", f"{board}/experiments/e0/runs/r0"


def level(title, plural, parent, body, ids, nothing):
    """Create two, get, list and update one of a level; return its name."""
    field = "tensorboard_" + title.removeprefix("Tensorboard").lower()
    field = {"tensorboard_timeseries": "tensorboard_time_series"}.get(field, field)
    create = {"parent": parent, field: body, f"{field}_id": ids[0]}
    rpc(
        client,
        f"{S}Create{title}",
        create,
        wrong={f"{field}_id": "Not Valid"},
        missing={"parent": parent.replace(board, NO_BOARD)},
        conflict=True,
    )
    second = {**create, field: {**body, "display_name": "another"}, f"{field}_id": ids[1]}
    call = getattr(client, "create_" + field)
    call(request=second)
    segment = {"TensorboardExperiment": "experiments", "TensorboardRun": "runs"}.get(title, "timeSeries")
    name = f"{parent}/{segment}/{ids[0]}"
    none = f"{parent}/{segment}/{nothing}"
    got = rpc(client, f"{S}Get{title}", {"name": name}, missing={"name": none})
    rpc(
        client,
        f"{S}List{plural}",
        {"parent": parent},
        wrong={"filter": 'colour="red"'},
        missing={"parent": parent.replace(board, NO_BOARD)},
        page=field + ("" if field.endswith("series") else "s"),
    )
    rpc(
        client,
        f"{S}Update{title}",
        {
            field: {"name": name, "description": "new", "etag": got.etag},
            "update_mask": {"paths": ["description"]},
        },
        wrong={"update_mask": {"paths": ["create_time"]}},
        missing={field: {"name": none, "etag": ""}},
        stale={field: {"etag": got.etag}},
    )
    return name


got = rpc(client, S + "GetTensorboard", {"name": board}, missing={"name": NO_BOARD})
rpc(
    client,
    S + "ListTensorboards",
    {"parent": PARENT},
    wrong={"filter": 'colour="red"'},
    page="tensorboards",
)
rpc(
    client,
    S + "UpdateTensorboard",
    {
        "tensorboard": {"name": board, "description": "new", "etag": got.etag},
        "update_mask": {"paths": ["description"]},
    },
    wrong={"update_mask": {"paths": ["create_time"]}},
    missing={"tensorboard": {"name": NO_BOARD, "etag": ""}},
    stale={"tensorboard": {"etag": got.etag}},
)
level("TensorboardExperiment", "TensorboardExperiments", board, {}, ("e0", "e1"), "none")
level("TensorboardRun", "TensorboardRuns", EXPERIMENT, {"display_name": "r0"}, ("r0", "r1"), "none")
scalar = {"display_name": "loss", "value_type": "SCALAR", "plugin_name": "scalars"}
series = level("TensorboardTimeSeries", "TensorboardTimeSeries", RUN, scalar, ("7", "8"), "none")
NO_SERIES, NO_RUN = f"{RUN}/timeSeries/none", f"{EXPERIMENT}/runs/none"

batch = {"parent": EXPERIMENT, "requests": [{"parent": EXPERIMENT, "tensorboard_run_id": "b0"}]}
batch["requests"][0]["tensorboard_run"] = {"display_name": "b0"}
rpc(
    client,
    S + "BatchCreateTensorboardRuns",
    batch,
    wrong={"requests": []},
    missing={
        "parent": f"{NO_BOARD}/experiments/e0",
        "requests": [{**batch["requests"][0], "parent": f"{NO_BOARD}/experiments/e0"}],
    },
    conflict=True,
)
batch = {
    "parent": EXPERIMENT,
    "requests": [{"parent": RUN, "tensorboard_time_series": {**scalar, "display_name": "b"}}],
}
rpc(
    client,
    S + "BatchCreateTensorboardTimeSeries",
    batch,
    wrong={"requests": []},
    missing={"requests": [{**batch["requests"][0], "parent": NO_RUN}]},
    conflict=True,
)

points = [{"step": n, "wall_time": "2026-11-24T12:00:00Z", "scalar": {"value": float(n)}} for n in range(3)]
data = {"tensorboard_time_series_id": "7", "value_type": "SCALAR", "values": points}
tensor = [{**data, "value_type": "TENSOR"}]
write = {"tensorboard_run": RUN, "time_series_data": [data]}
rpc(
    client,
    S + "WriteTensorboardRunData",
    write,
    wrong={"time_series_data": tensor},
    missing={"tensorboard_run": NO_RUN},
)
rpc(
    client,
    S + "WriteTensorboardExperimentData",
    {"tensorboard_experiment": EXPERIMENT, "write_run_data_requests": [write]},
    wrong={"write_run_data_requests": [{**write, "time_series_data": tensor}]},
    missing={"tensorboard_experiment": f"{board}/experiments/none"},
)
read = {"tensorboard_time_series": series}
rpc(
    client,
    S + "ReadTensorboardTimeSeriesData",
    read,
    wrong={"max_data_points": 100_000},
    missing={"tensorboard_time_series": NO_SERIES},
)
rpc(
    client,
    S + "BatchReadTensorboardTimeSeriesData",
    {"tensorboard": board, "time_series": [series]},
    wrong={"tensorboard": other.replace(other.split("/")[1], rows.PROJECT)},
    missing={"time_series": [NO_SERIES]},
)
rpc(
    client,
    S + "ExportTensorboardTimeSeriesData",
    read,
    wrong={"filter": 'colour="red"'},
    missing={"tensorboard_time_series": NO_SERIES},
    page="time_series_data_points",
)

rpc(client, S + "DeleteTensorboardTimeSeries", {"name": series}, missing={"name": NO_SERIES})
rpc(client, S + "DeleteTensorboardRun", {"name": RUN}, missing={"name": NO_RUN})
rpc(
    client,
    S + "DeleteTensorboardExperiment",
    {"name": EXPERIMENT},
    missing={"name": f"{board}/experiments/none"},
)
rpc(client, S + "DeleteTensorboard", {"name": board}, missing={"name": NO_BOARD})
client.delete_tensorboard(name=other).result(timeout=60)
