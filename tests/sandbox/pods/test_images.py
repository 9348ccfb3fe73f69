"""Which program stands in for an image."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from argovx_lab.errors import SandboxError
from argovx_lab.sandbox.pods import Images, Interpreter


@pytest.mark.parametrize(
    "image",
    [
        "busybox",
        "busybox:1.36",
        "docker.io/library/busybox:local",
        "alpine@sha256:" + "0" * 64,
        "localhost:5000/debian:12",
    ],
)
def test_shells(image):
    found = Images().find(image)
    assert found is not None
    assert found.cmd == ("sh",)


@pytest.mark.parametrize(
    "image", ["python:3.11-slim", "argovx/launcher:0.1", "docker.io/library/launcher:local"]
)
def test_pythons(image):
    found = Images().find(image)
    assert found is not None
    assert found.environment()["PATH"].split(":")[0] == str(Path(sys.executable).parent)


def test_vertex_images_are_this_python():
    found = Images().find("us-docker.pkg.dev/vertex-ai/training/sklearn-cpu.1-6:latest")
    assert found is not None
    assert found.cmd == ("python3",)


@pytest.mark.parametrize("image", ["", "nginx", "quay.io/acme/tool:1", "busyboxen"])
def test_unknown_images_are_none(image):
    assert Images().find(image) is None


def test_settings_win_and_may_define():
    images = Images(
        {"busybox": "python", "acme/*": {"cmd": ["tool"], "path": ["/opt/acme"], "env": {"M": 1}}}
    )
    assert images.find("busybox").cmd == ("python3",)
    assert images.find("quay.io/acme/tool:1") == Interpreter((), ("tool",), ("/opt/acme",), {"M": "1"})


@pytest.mark.parametrize("value", ["perl", 3, {"command": ["x"]}])
def test_nonsense_is_refused_with_what_is_allowed(value):
    with pytest.raises(SandboxError) as caught:
        Images({"x": value})
    assert "'x'" in caught.value.message
    assert "python, sh" in caught.value.hint
