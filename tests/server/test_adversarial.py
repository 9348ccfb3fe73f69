"""Calls that no page of ours makes: numbers as in docs/identity.md."""

import json

import pytest
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import websocket_connect


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null"])
async def test_case_41_no_socket_opens_for_a_stranger(
    jp_serverapp, http_server, jp_base_url, jp_http_port, origin
):
    headers = {} if origin is None else {"Origin": origin}
    url = f"ws://localhost:{jp_http_port}{jp_base_url}argovx/api/v1/stream"
    with pytest.raises(HTTPClientError) as error:
        await websocket_connect(HTTPRequest(url, headers=headers))
    assert error.value.code in (302, 403)


@pytest.mark.parametrize("path", ["stream", "events", "identity", "runs"])
async def test_case_41_a_wrong_token_is_none(jp_serverapp, jp_base_url, http_server_client, path):
    with pytest.raises(HTTPClientError) as error:
        await http_server_client.fetch(
            f"{jp_base_url}argovx/api/v1/{path}",
            headers={"Authorization": "token 0123456789abcdef"},
            follow_redirects=False,
        )
    assert error.value.code in (302, 403)
    assert b"principal" not in (error.value.response.body or b"")


async def test_case_41_reading_changes_nothing(jp_fetch):
    """A verb is a POST: what a link or an image of another site can do is a GET."""
    for path in ("runs/r:stop", "runs/r/steps/s:stop", "runs/r/steps/s:retry", "plan"):
        with pytest.raises(HTTPClientError) as error:
            await jp_fetch("argovx", "api", "v1", *path.split("/"))
        assert error.value.code in (404, 405)


async def test_case_41_a_body_that_is_too_large_or_none_is_refused(jp_fetch):
    for text in ("", "[", "[]", '"x"', json.dumps({"content": {"cells": "x" * 60_000_000}})):
        with pytest.raises(HTTPClientError) as error:
            await jp_fetch(
                "argovx", "api", "v1", "plan",
                method="POST", body=text, headers={"Content-Type": "application/json"},
            )  # fmt: skip
        assert error.value.code in (400, 413, 599)
