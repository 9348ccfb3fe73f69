"""The API as the panel meets it: authenticated, JSON, errors in one shape."""

import json

import pytest
from tornado.httpclient import HTTPClientError

ROUTES = [
    ("GET", "runs"),
    ("GET", "runs/r"),
    ("GET", "runs/r/nodes/n/logs"),
    ("GET", "runs/r/nodes/n/metrics"),
    ("GET", "runs/r/nodes/n/events"),
    ("GET", "runs/r/nodes/n/spec"),
    ("GET", "lineage?run=r"),
    ("GET", "identity"),
    ("GET", "events"),
    ("GET", "stream"),
    ("POST", "plan"),
    ("POST", "runs/r:stop"),
    ("POST", "runs/r/steps/s:stop"),
    ("POST", "runs/r/steps/s:retry"),
]


def body(error):
    return json.loads(error.value.response.body)


async def get(jp_fetch, path, **params):
    answer = await jp_fetch("argovx", "api", "v1", *path.split("/"), params=params)
    return json.loads(answer.body)


async def post(jp_fetch, path, value, **options):
    options = {"headers": {"Content-Type": "application/json"}, **options}
    answer = await jp_fetch(
        "argovx", "api", "v1", *path.split("/"), method="POST", body=json.dumps(value), **options
    )
    return json.loads(answer.body)


@pytest.mark.parametrize(("method", "path"), ROUTES)
async def test_no_route_answers_without_a_token(jp_serverapp, jp_base_url, http_server_client, method, path):
    with pytest.raises(HTTPClientError) as error:
        await http_server_client.fetch(
            f"{jp_base_url}argovx/api/v1/{path}",
            method=method,
            body="{}" if method == "POST" else None,
            headers={"Content-Type": "application/json"},
            follow_redirects=False,
        )
    assert error.value.code in (302, 403)


def test_the_list_of_routes_is_whole(jp_serverapp):
    from argovx_lab.server import handlers, stream

    assert len(handlers.ROUTES) + len(stream.STREAM_ROUTES) == len(ROUTES) - 1  # stop and retry share one


async def test_the_overview_says_who_where_and_how_live(jp_fetch):
    overview = await get(jp_fetch, "runs")
    assert overview["profile"] == "sandbox"
    assert overview["note"] == "ran on this machine, no T4, no charge"
    assert overview["principal"]["account"] == "system:serviceaccount:argovx:nb-ada"
    assert overview["connection"]["live"] is True


async def test_who_acts_is_asked_at_both_ends(jp_fetch):
    from datetime import UTC, datetime

    principal = await get(jp_fetch, "identity")
    assert principal["account"] == "system:serviceaccount:argovx:nb-ada"
    assert principal["google"].endswith("/subject/system:serviceaccount:argovx:nb-ada")
    assert principal["through"] == "projected ServiceAccount token, STS"
    left = datetime.fromisoformat(principal["expires_at"]) - datetime.now(UTC)
    assert 3000 < left.total_seconds() <= 3600
    assert (principal["scope"], principal["problem"]) == (["cloud-platform"], "")


async def test_a_run_that_is_not_there_is_a_404_in_our_shape(jp_fetch):
    with pytest.raises(HTTPClientError) as error:
        await get(jp_fetch, "runs/nowhere")
    assert error.value.code == 404
    assert set(body(error)) == {"error", "message", "hint", "docs"}
    assert body(error)["error"] == "NotFound"


@pytest.mark.parametrize(
    "verb", ["runs/nowhere:stop", "runs/nowhere/steps/x:stop", "runs/nowhere/steps/x:retry"]
)
async def test_verbs_on_what_is_not_there(jp_fetch, verb):
    with pytest.raises(HTTPClientError) as error:
        await post(jp_fetch, verb, {})
    assert error.value.code == 404
    assert body(error)["error"] == "NotFound"


@pytest.mark.parametrize("what", ["logs", "metrics", "events", "spec"])
async def test_details_of_what_is_not_there(jp_fetch, what):
    with pytest.raises(HTTPClientError) as error:
        await get(jp_fetch, f"runs/nowhere/nodes/x/{what}")
    assert error.value.code == 404
    assert body(error)["error"] == "NotFound"


async def test_an_unknown_verb_is_no_route(jp_fetch):
    with pytest.raises(HTTPClientError) as error:
        await post(jp_fetch, "runs/r/steps/x:explode", {})
    assert error.value.code == 404


async def test_only_json_is_taken(jp_fetch):
    with pytest.raises(HTTPClientError) as error:
        await post(jp_fetch, "plan", {}, headers={"Content-Type": "text/plain"})
    assert error.value.code == 415


async def test_a_cross_site_request_is_refused(jp_fetch):
    headers = {"Content-Type": "application/json", "Sec-Fetch-Site": "cross-site"}
    with pytest.raises(HTTPClientError) as error:
        await post(jp_fetch, "plan", {}, headers=headers)
    assert error.value.code == 403


async def test_a_notebook_is_planned_without_running_it(jp_fetch):
    cells = [
        "%load_ext argovx_lab",
        "%%vertex_step prepare() -> X\nX = [1]",
        "%%vertex_step train(X) -> model --on n1-standard-8+T4\nmodel = len(X)",
        "%%vertex_step broken( -> y\ny = 1",
    ]
    notebook = {
        "cells": [{"cell_type": "code", "id": f"c{i}", "source": text} for i, text in enumerate(cells)],
        "nbformat": 4,
    }
    plan = await post(jp_fetch, "plan", {"path": "n.ipynb", "content": notebook})
    assert [(node["id"], node["phase"], node["line"]) for node in plan["nodes"]] == [
        ("prepare", "Planned", "ready to run"),
        ("train", "Planned", "after prepare"),
    ]
    assert plan["edges"] == [{"source": "prepare", "target": "train", "names": ["X"]}]
    assert plan["nodes"][1]["cell"] == {"notebook": "n.ipynb", "cell_id": "c2", "number": 3}
    assert [problem["cell"] for problem in plan["problems"]] == ["c3"]


async def test_copies_dry_runs_and_bad_machines_are_no_steps_that_are_ready(jp_fetch):
    cells = [
        "n = 4",
        "%%vertex_step square(n) -> x\nx = n",
        "%%vertex_step square(n) -> x --dry-run\nx = n",
        "%%vertex_step square(n) -> y\ny = n",
        "%%vertex_step big(x) -> z --on n1-standard-3\nz = x",
        "%%vertex_step odd(x) -> w --onn n1-standard-4\nw = x",
        "%%vertex_step lost -> v\nv = nowhere",
        "%%vertex_step flexible -> u --flex-start\nu = 1",
    ]
    notebook = {
        "cells": [{"cell_type": "code", "id": f"c{i}", "source": text} for i, text in enumerate(cells)]
    }
    plan = await post(jp_fetch, "plan", {"path": "n.ipynb", "content": notebook})
    assert [(node["id"], node["cell"]["cell_id"]) for node in plan["nodes"]] == [
        ("square", "c1"),
        ("big", "c4"),
        ("odd", "c5"),
        ("lost", "c6"),
        ("flexible", "c7"),
    ]
    assert "--flex-start does not serve" in plan["nodes"][4]["line"]
    assert "--on g2-standard-4 --flex-start" in plan["nodes"][4]["hint"]
    assert plan["nodes"][0]["line"] == "ready to run"
    assert "n1-standard-3" in plan["nodes"][1]["line"]
    assert "unknown flag --onn" in plan["nodes"][2]["line"]
    assert "no cell above gives nowhere" in plan["nodes"][3]["line"]
    assert [problem["cell"] for problem in plan["problems"]] == ["c3", "c4", "c5", "c6", "c7"]


@pytest.mark.parametrize("value", [[], {"content": 1}, {"content": {}}])
async def test_what_is_no_notebook_is_a_400(jp_fetch, value):
    with pytest.raises(HTTPClientError) as error:
        await post(jp_fetch, "plan", value)
    assert error.value.code == 400
    assert body(error)["error"] == "SpecError"


async def test_a_body_that_is_nested_too_deeply_is_a_400(jp_fetch):
    deep = '{"content": ' + '{"a": ' * 5000 + "1" + "}" * 5001
    with pytest.raises(HTTPClientError) as error:
        await jp_fetch(
            *("argovx", "api", "v1", "plan"),
            method="POST",
            body=deep,
            headers={"Content-Type": "application/json"},
        )
    assert error.value.code == 400
    assert body(error)["message"] == "the body is nested too deeply"


async def test_a_bad_offset_is_a_400(jp_fetch):
    with pytest.raises(HTTPClientError) as error:
        await get(jp_fetch, "runs/r/nodes/n/logs", after="soon")
    assert error.value.code == 400


async def test_the_socket_begins_with_where_it_stands(jp_ws_fetch):
    socket = await jp_ws_fetch("argovx", "api", "v1", "stream")
    messages = json.loads(await socket.read_message())
    assert "heartbeat" in messages[-1]
    assert messages[-1]["epoch"]
    socket.close()


async def test_the_long_poll_tells_the_same(jp_fetch):
    first = await get(jp_fetch, "events", since="", wait="0")
    assert set(first) == {"messages", "since"}
    again = await get(jp_fetch, "events", since=first["since"], wait="0")
    assert again["messages"] == []


async def test_a_read_only_role_may_look_but_not_stop(jp_serverapp, jp_fetch, monkeypatch):
    monkeypatch.setattr(
        jp_serverapp.authorizer,
        "is_authorized",
        lambda handler, user, action, resource: resource != "argovx" or action == "read",
    )
    assert await get(jp_fetch, "runs")
    with pytest.raises(HTTPClientError) as error:
        await post(jp_fetch, "runs/r:stop", {})
    assert error.value.code == 403
