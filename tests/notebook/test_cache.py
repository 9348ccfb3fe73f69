"""A result that is there already is believed only when all of it is."""

import hashlib
import json
from types import SimpleNamespace

import pytest

from argovx_lab.errors import NotFound, OutputsMissing
from argovx_lab.model.layout import Layout
from argovx_lab.notebook import cache
from argovx_lab.runs.argo import Execution

AT = "users/ada/runs/u1/once/0-1/"
VALUE = b"[1]"


class Objects:
    """A bucket with one execution's manifest and its one output."""

    def __init__(self):
        entry = {"codec": "json", "summary": "list", "size_bytes": len(VALUE), "generation": 1}
        entry |= {"digest": hashlib.sha256(VALUE).hexdigest(), "uri": f"gs://bucket/{AT}out/x/data"}
        manifest = {"outputs": {"x": entry}, "left_out": {"figure": "it cannot travel"}}
        self.there = {f"{AT}manifest.json": json.dumps(manifest).encode(), f"{AT}out/x/data": VALUE}

    def get(self, bucket, name):
        if name not in self.there:
            raise NotFound(f"{name} is gone")
        return self.there[name]

    def stat(self, bucket, name):
        data = self.there.get(name)
        return data and SimpleNamespace(size_bytes=len(data), digest="", generation=1)


@pytest.fixture
def objects():
    return Objects()


def proved(objects, outputs):
    manifest = f"{AT}manifest.json"
    pointer = {
        "uri": f"gs://bucket/{manifest}",
        "digest": hashlib.sha256(Objects().there[manifest]).hexdigest(),
    }
    profile = SimpleNamespace(user="ada", layout=Layout("bucket", "ada"))
    session = SimpleNamespace(services=SimpleNamespace(profile=profile, objects=objects))
    plan = SimpleNamespace(name="once", spec=SimpleNamespace(outputs=outputs))
    execution = Execution(
        "once-1",
        "u1",
        "ns",
        "ada",
        "run-1",
        "n.ipynb",
        "2026-11-24T09:00:00Z",
        "once",
        {"name": "once"},
        phase="Succeeded",
        outputs={"manifest": json.dumps(pointer)},
    )
    return cache._proved(session, plan, execution)


def test_what_the_step_left_out_is_left_out_again(objects):
    assert list(proved(objects, {"x": "auto?", "figure": "auto?"}).outputs) == ["x"]


@pytest.mark.parametrize("codec", ["auto?", "auto"])
def test_a_manifest_that_is_gone_or_changed_answers_nothing(objects, codec):
    del objects.there[f"{AT}manifest.json"]
    with pytest.raises(OutputsMissing, match="has no manifest"):
        proved(objects, {"x": codec})
    objects.there[f"{AT}manifest.json"] = b'{"outputs": {}}'
    with pytest.raises(OutputsMissing, match="manifest of step once was changed"):
        proved(objects, {"x": codec})


def test_an_output_that_is_gone_answers_nothing(objects):
    del objects.there[f"{AT}out/x/data"]
    with pytest.raises(OutputsMissing, match="x is gone from the bucket"):
        proved(objects, {"x": "auto?"})
