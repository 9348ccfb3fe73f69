"""The step document: canonical, and refused by name when it is anything else."""

import json

import pytest

from argovx_lab.errors import SpecError
from argovx_lab.model.step import (
    ArtifactRef,
    Environment,
    Machine,
    Runner,
    Source,
    StepSpec,
    canonical,
)


@pytest.fixture
def spec():
    return StepSpec(
        name="train",
        source=Source("a" * 64, "gs://bucket-a/s", "n.ipynb", "c1", 3),
        environment=Environment("python:3.11", ("six==1.16.0",), "3.11"),
        runner=Runner("b" * 64, "gs://bucket-a/r"),
        run_as="u-ada@demo.iam.gserviceaccount.com",
        inputs={"X": ArtifactRef("gs://bucket-a/x", "c" * 64, "numpy", 12)},
        outputs={"model": "auto", "größe": "json"},
        machine=Machine("n1-standard-8", "NVIDIA_TESLA_T4", 1),
    )


def changed(spec, path, value):
    document = spec.to_dict()
    target = document
    for key in path[:-1]:
        target = target[key]
    if value is KeyError:
        del target[path[-1]]
    else:
        target[path[-1]] = value
    return canonical(document)


def test_a_document_survives_the_way_there_and_back(spec):
    again = StepSpec.decode(spec.encode())
    assert again == spec
    assert again.digest == spec.digest


def test_the_order_of_names_makes_no_difference_to_the_digest(spec):
    turned = json.dumps(dict(reversed(spec.to_dict().items()))).encode()
    assert StepSpec.decode(turned).digest == spec.digest


@pytest.mark.parametrize("data", [b"", b"{", b"[]", b"null", b"\xff", b"[" * 100_000])
def test_what_is_no_document_is_refused(data):
    with pytest.raises(SpecError, match="the step document is not"):
        StepSpec.decode(data)


@pytest.mark.parametrize(
    ("path", "value", "message"),
    [
        (["schema"], "argovx.step/2", "is not argovx.step/1"),
        (["schema"], KeyError, "is not argovx.step/1"),
        (["replicas"], 2, "StepSpec has unknown fields: replicas"),
        (["machine", "disk"], 1, "Machine has unknown fields: disk"),
        (["inputs", "X", "pickle"], True, "ArtifactRef has unknown fields: pickle"),
        (["name"], KeyError, "StepSpec lacks a field"),
        (["run_as"], KeyError, "StepSpec lacks a field"),
        (["runner", "digest"], KeyError, "Runner lacks a field"),
        (["source"], KeyError, "lacks the object 'source'"),
        (["source"], "s", "lacks the object 'source'"),
        (["inputs", "X"], 7, "ArtifactRef must be an object"),
        (["outputs"], ["model"], "lacks the object 'outputs'"),
        (["name"], "Train!", "'Train!' cannot name a step"),
        (["name"], 7, "StepSpec.name must be str, not 7"),
        (["name"], None, "StepSpec.name must be str, not None"),
        (["timeout_s"], "7200", "StepSpec.timeout_s must be int"),
        (["timeout_s"], True, "StepSpec.timeout_s must be int, not True"),
        (["retries"], 1.5, "StepSpec.retries must be int"),
        (["retry_failures"], 1, "StepSpec.retry_failures must be bool"),
        (["machine", "accelerator_count"], "1", "Machine.accelerator_count must be int"),
        (["inputs", "X", "uri"], 7, "ArtifactRef.uri must be str"),
        (["environment", "requirements"], "six", "requirements must be texts"),
        (["environment", "requirements"], [1], "requirements must be texts"),
        (["outputs", "model"], 7, "outputs must be texts"),
    ],
)
def test_each_departure_is_refused_by_name(spec, path, value, message):
    with pytest.raises(SpecError) as caught:
        StepSpec.decode(changed(spec, path, value))
    assert message in caught.value.message
    assert len(caught.value.message) < 200


def test_a_number_that_json_does_not_have_is_not_written():
    with pytest.raises(ValueError, match="not JSON compliant"):
        canonical({"x": float("nan")})
