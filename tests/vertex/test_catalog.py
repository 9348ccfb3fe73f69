"""Machines as people write them."""

from __future__ import annotations

import pytest

from argovx_lab.errors import SpecError
from argovx_lab.model.step import Machine
from argovx_lab.vertex.catalog import catalog, machine_types, parse_machine


@pytest.mark.parametrize(
    ("text", "machine"),
    [
        ("n1-standard-4", Machine("n1-standard-4")),
        ("n1-standard-8+T4", Machine("n1-standard-8", "NVIDIA_TESLA_T4", 1)),
        ("n1-standard-8+t4*2", Machine("n1-standard-8", "NVIDIA_TESLA_T4", 2)),
        ("n1-standard-8+NVIDIA_TESLA_T4*2", Machine("n1-standard-8", "NVIDIA_TESLA_T4", 2)),
        ("g2-standard-24", Machine("g2-standard-24", "NVIDIA_L4", 2)),
        ("g2-standard-24+L4*2", Machine("g2-standard-24", "NVIDIA_L4", 2)),
        ("a2-ultragpu-1g+A100_80GB", Machine("a2-ultragpu-1g", "NVIDIA_A100_80GB", 1)),
    ],
)
def test_machines_that_vertex_offers(text, machine):
    assert parse_machine(text) == machine


@pytest.mark.parametrize(
    ("text", "message", "hint"),
    [
        ("n1-standard-1", "no machine type", "n1-standard-16"),
        ("n1-standart-8", "no machine type", "n1-standard-8"),
        ("n1-standard-8+T5", "no accelerator", "T4"),
        ("n1-standard-8+T4*3", "not offered", "1, 2, 4"),
        ("n1-standard-8+T4*0", "not offered", "1, 2, 4"),
        ("n1-standard-32+T4", "takes more than", "T4*2"),
        ("n2-standard-8+T4", "cannot be attached", "n1 machines"),
        ("n1-standard-8+L4", "cannot be attached", "g2-standard-4"),
        ("g2-standard-4+T4", "comes with", "just g2-standard-4"),
        ("g2-standard-4+L4*2", "comes with", "just g2-standard-4"),
        ("n1-standard-8+T4*2*2", "is not a machine", "MACHINE"),
        ("n1-standard-8 T4", "is not a machine", "MACHINE"),
        ("", "is not a machine", "MACHINE"),
    ],
)
def test_other_machines_are_refused_with_the_nearest(text, message, hint):
    with pytest.raises(SpecError, match=message) as caught:
        parse_machine(text)
    assert hint in caught.value.hint


def test_every_accelerator_is_one_of_the_vendors():
    from google.cloud.aiplatform_v1.types import AcceleratorType

    vendors = {item.name for item in AcceleratorType}
    named = {kind for kind, _ in catalog()["built_in"].values()} | set(catalog()["attached"]["accelerators"])
    assert named <= vendors
    assert set(catalog()["short"].values()) == named


def test_every_machine_that_the_file_offers_can_be_read():
    for text in machine_types():
        assert parse_machine(text).type == text
