"""JSON of remote ends: whatever comes, it is an object or nothing."""

import pytest

from argovx_lab.cluster.answers import from_answer
from argovx_lab.cluster.client import _event
from argovx_lab.errors import CredentialError, RemoteError, Unavailable
from argovx_lab.identity import exchange
from argovx_lab.model.wire import json_object
from argovx_lab.vertex import session as vertex

DEEP = b"[" * 200_000


@pytest.mark.parametrize(
    "data", [b"", b"<html>", b"[1]", b"7", b"null", b"\xff\xfe\x00", DEEP, b'{"a":' * 200_000]
)
def test_what_is_no_object_is_none(data):
    assert json_object(data) is None


def test_an_object_is_itself():
    assert json_object(b'{"a": [1]}') == json_object('{"a": [1]}') == {"a": [1]}


def test_no_end_of_ours_falls_over_what_nests_too_deep():
    with pytest.raises(RemoteError, match="is not JSON"):
        vertex.document(DEEP, "aiplatform")
    with pytest.raises(CredentialError, match="is not JSON"):
        exchange.document(DEEP, "sts")
    with pytest.raises(Unavailable, match="brought no event"):
        _event(DEEP)
    assert from_answer(DEEP, 403, "x").exit_code
    assert isinstance(vertex.fault(503, DEEP, "p", "t"), Unavailable)
