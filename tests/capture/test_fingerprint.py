"""What counts as a change, and what does not."""

from dataclasses import replace

import pytest

from argovx_lab.capture.fingerprint import KEY_LENGTH, changed, code_parts, fingerprint
from argovx_lab.model.step import ArtifactRef, Environment, Machine, Runner, Source, StepSpec

SPEC = StepSpec(
    name="train",
    source=Source("0" * 64, "gs://b/x"),
    environment=Environment("img@sha256:1", ("numpy==2.1",), "3.11"),
    runner=Runner("1" * 64, "gs://b/r"),
    run_as="u@p",
    inputs={"x": ArtifactRef("gs://b/x", "a" * 64, "json")},
    outputs={"model": "auto"},
)
DOCUMENT = {
    "cell": "\n\nmodel = fit(x, 'two  blanks')",
    "definitions": [{"code": "import numpy as np"}, {"code": "def fit(x, t):\n    return [x, t]\n"}],
}


def of(spec=SPEC, **document):
    return fingerprint(spec, {**DOCUMENT, **document})


@pytest.mark.parametrize(
    "same",
    [
        {"cell": "# said\n\nmodel = fit( x,   'two  blanks' )  # more\n"},
        {"cell": 'model = (fit(x, "two  blanks"))'},
        {
            "definitions": [
                {"code": "def fit(x,t):\n\n  # why\n  return [x, t]"},
                {"code": "import numpy as np"},
            ]
        },
        {"definitions": [{"code": "import numpy as np; import numpy as np\ndef fit(x, t): return [x, t]"}]},
    ],
)
def test_comments_formatting_and_the_order_of_definitions_do_not_count(same):
    assert of(**same) == of()
    assert len(of().key) == KEY_LENGTH


@pytest.mark.parametrize(
    ("other", "word"),
    [
        ({"cell": "model = fit(x, 'two blanks')"}, "the cell's code"),
        ({"cell": "model = fit(x, 'two  blanks')\nmodel = 1"}, "the cell's code"),
        ({"definitions": [{"code": "def fit(x, t):\n    return [t, x]\n"}]}, "a definition that it uses"),
    ],
)
def test_what_the_code_means_counts(other, word):
    made = of(**other)
    assert made.key != of().key
    assert changed(of().parts, made.parts) == [word]


@pytest.mark.parametrize(
    ("fields", "word"),
    [
        ({"inputs": {"x": ArtifactRef("gs://b/x", "b" * 64, "json")}}, "an input"),
        ({"inputs": {"x": ArtifactRef("gs://b/x", "a" * 64, "pickle")}}, "an input"),
        ({"outputs": {"model": "pickle"}}, "its outputs"),
        ({"environment": replace(SPEC.environment, image="img@sha256:2")}, "packages or image"),
        ({"environment": replace(SPEC.environment, requirements=())}, "packages or image"),
        ({"environment": replace(SPEC.environment, python="3.12")}, "the kernel's Python"),
        ({"machine": Machine(accelerator="NVIDIA_L4", accelerator_count=1)}, "the machine's accelerator"),
        ({"machine": Machine(replicas=2)}, "how many machines"),
        ({"run_as": "other@p"}, "the account"),
    ],
)
def test_inputs_environment_and_machine_class_count(fields, word):
    made = of(replace(SPEC, **fields))
    assert made.key != of().key
    assert len(words := changed(of().parts, made.parts)) == 1
    assert word in words[0]


@pytest.mark.parametrize(
    "fields",
    [
        {"timeout_s": 60},
        {"retries": 0},
        {"machine": Machine(type="n1-standard-8", strategy="SPOT", disk_gb=500)},
        {"inputs": {"x": ArtifactRef("gs://b/elsewhere", "a" * 64, "json", 7, step="other")}},
        {"runner": Runner("2" * 64, "gs://b/r2")},
    ],
)
def test_what_decides_no_result_does_not_count(fields):
    assert of(replace(SPEC, **fields)) == of()


def test_another_step_has_another_key_and_an_unknown_input_none():
    assert of(replace(SPEC, name="other")).key != of().key
    unknown = ArtifactRef(manifest="gs://b/m", output="x")
    assert of(replace(SPEC, inputs={"x": unknown})).key == ""


def test_what_is_no_python_is_itself():
    assert code_parts("x = (", [])["code"] != code_parts("x  = (", [])["code"]
