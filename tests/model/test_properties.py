"""Names, labels, prefixes and digests: what must hold for any text and any step."""

from __future__ import annotations

import json
import re
import string
from dataclasses import replace

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from argovx_lab.compile.manifest import arguments, task_name
from argovx_lab.errors import SpecError
from argovx_lab.launcher.arguments import compare, parse
from argovx_lab.model import names
from argovx_lab.model.layout import Layout, split_uri
from argovx_lab.model.step import (
    STRATEGIES,
    ArtifactRef,
    Environment,
    Machine,
    Runner,
    Source,
    StepSpec,
    canonical,
)
from argovx_lab.vertex.custom_job import JobIdentity, build, differences, labels
from argovx_lab.vertex.jobs import by_labels

LABEL = re.compile(r"[a-z0-9_-]{0,63}\Z")
KUBERNETES = re.compile(r"(([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9])?\Z")

texts = st.text(max_size=100)
step_names = st.from_regex(r"[a-z][a-z0-9_-]{0,38}[a-z0-9]", fullmatch=True).filter(names.is_step_name)
segments = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,40}", fullmatch=True)
digests = st.text("0123456789abcdef", min_size=64, max_size=64)
refs = st.builds(
    ArtifactRef, uri=texts, digest=digests, codec=texts, size_bytes=st.integers(0, 10**12), step=texts
)
machines = st.builds(
    Machine,
    type=st.sampled_from(["n1-standard-4", "g2-standard-8"]),
    accelerator=st.sampled_from(["", "NVIDIA_L4"]),
    accelerator_count=st.integers(0, 8),
    replicas=st.integers(1, 16),
    strategy=st.sampled_from(STRATEGIES),
    disk_gb=st.sampled_from([0, 100, 64000]),
    persistent=st.sampled_from(["", "my-pool"]),
)
specs = st.builds(
    StepSpec,
    name=step_names,
    source=st.builds(
        Source, digest=digests, uri=texts, notebook=texts, cell_id=texts, cell_number=st.integers()
    ),
    environment=st.builds(
        Environment,
        image=st.text(min_size=1),
        requirements=st.lists(texts, max_size=3).map(tuple),
        python=texts,
    ),
    runner=st.builds(Runner, digest=digests, uri=texts),
    run_as=st.text(min_size=1, max_size=60),
    inputs=st.dictionaries(texts, refs, max_size=3),
    outputs=st.dictionaries(texts, texts, max_size=3),
    machine=machines,
    timeout_s=st.integers(1, 10**6),
    retries=st.integers(0, 10),
    retry_failures=st.booleans(),
)


@settings(deadline=None)
@given(texts)
def test_a_slug_is_a_label_everywhere_and_its_own_slug(text):
    slug = names.slug(text)
    assert LABEL.match(slug)
    assert KUBERNETES.match(slug)
    assert slug
    assert names.slug(slug) == slug


@settings(deadline=None)
@given(texts, texts)
def test_two_texts_never_share_a_slug(first, second):
    assume(first != second)
    assert names.slug(first) != names.slug(second)


@settings(deadline=None)
@given(texts, st.integers(10, 63))
def test_a_slug_keeps_to_its_limit(text, limit):
    assert 0 < len(names.slug(text, limit)) <= limit


@settings(deadline=None)
@given(segments, st.text(string.ascii_lowercase + string.digits + "-_", min_size=1, max_size=5))
def test_a_longer_name_lies_in_no_shorter_ones_folder(name, more):
    """``step-a`` against ``step-a2``: folders end with a slash, so a listing of one never shows the other."""
    assume(len(name + more) <= 200)
    for layout in (Layout("bucket", "ada"), Layout("bucket", "ada", "prefix")):
        short, long = layout.task("uid", name), layout.task("uid", name + more)
        assert not long.startswith(short)
        assert not short.startswith(long)
        one = layout.attempt("uid", name, 1, "0" * 32)
        assert not one.output(name + more).startswith(one.output(name))
        assert not one.replica(1).startswith(one.replica(11))
        assert not one.replica(11).startswith(one.replica(1))
        assert not layout.attempt("uid", name, 11, "0" * 32).folder.startswith(one.folder)
        other = replace(layout, user="ada2")
        assert not other.root.startswith(layout.root)
        assert not layout.turns.startswith(layout.task("uid", name))


@settings(deadline=None)
@given(st.integers(0, 10**13), st.integers(0, 10**13))
def test_places_sort_as_their_numbers_do(first, second):
    layout = Layout("bucket", "ada")
    assert (layout.turn(first) < layout.turn(second)) == (first < second)


@settings(deadline=None)
@given(texts)
def test_no_text_leads_out_of_its_folder(text):
    layout = Layout("bucket", "ada")
    try:
        folder = layout.attempt("uid", text, 0, "0" * 32).folder
    except SpecError:
        return
    root = layout.root + "runs/uid/"
    assert folder.startswith(root)
    assert folder[len(root) :].count("/") == 2
    assert ".." not in folder.split("/")


@settings(deadline=None)
@given(texts, texts)
def test_an_attempt_key_tells_attempts_apart(first, second):
    assume(first != second and "|" not in first + second)
    assert names.attempt_key("uid", first, 0, "t") != names.attempt_key("uid", second, 0, "t")
    assert names.attempt_key(first, "task", 0, "t") != names.attempt_key(second, "task", 0, "t")
    assert names.attempt_key("uid", "task", 0, first) != names.attempt_key("uid", "task", 0, second)
    assert re.fullmatch("[0-9a-f]{32}", names.attempt_key(first, second, 3, "t"))


@settings(deadline=None)
@given(step_names, step_names)
def test_task_names_are_argos_for_any_step(first, second):
    assert re.fullmatch(r"[a-z][a-z0-9-]{0,39}", task_name(first))
    if first != second and "_" not in first + second:
        assert task_name(first) != task_name(second)


@settings(max_examples=40, deadline=None)
@given(specs)
def test_a_document_comes_back_as_it_was_with_its_digest(spec):
    again = StepSpec.decode(spec.encode())
    assert again == spec
    assert again.digest == spec.digest
    assert canonical(json.loads(spec.encode())) == spec.encode()


@settings(max_examples=40, deadline=None)
@given(specs, specs)
def test_digests_are_equal_for_equal_steps_only(first, second):
    assert (first.digest == second.digest) == (first == second)


@settings(max_examples=40, deadline=None)
@given(specs)
def test_any_step_passes_its_own_comparison_and_no_other_machine_does(spec):
    given_arguments = arguments(spec, "gs://bucket/spec")
    flags = [f"--{name}={value}" for name, value in given_arguments.items()]
    compare(parse(["run", *flags]), spec)
    other = replace(spec, machine=replace(spec.machine, replicas=spec.machine.replicas + 1))
    with pytest.raises(SpecError):
        compare(parse(["run", *flags]), other)


@settings(max_examples=40, deadline=None)
@given(specs, texts, st.text("0123456789abcdef", min_size=32, max_size=32))
def test_labels_of_any_job_are_labels_and_find_it(spec, task, key):
    identity = JobIdentity(
        key=key,
        workflow_uid="0f6a2c9e-1b1f-4d1e-9c57-3a4f0c0c2d11",
        task=task,
        user="ada",
        intent_uri="gs://b/i",
        intent_digest="0" * 64,
        prefix="gs://b/p/",
    )
    for name, value in labels(spec, identity).items():
        assert LABEL.match(value), (name, value)
        assert by_labels({name: value}) == f'labels.{name}="{value}"'
    body = build(spec, identity)
    assert differences(json.loads(json.dumps(body)), body) == []
    assert len(body["displayName"]) <= 128


@settings(deadline=None)
@given(texts)
def test_a_uri_is_split_into_what_it_was_made_of(text):
    assume(text)
    assert split_uri(f"gs://bucket/{text}") == ("bucket", text)


@settings(deadline=None)
@given(st.text(max_size=40))
def test_no_filter_can_be_injected(text):
    try:
        found = by_labels({"argovx-key": text})
    except SpecError:
        return
    assert found == f'labels.argovx-key="{text}"'
    assert '"' not in text
