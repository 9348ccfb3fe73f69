"""The built-in bundle: what it allows, what it denies, and that it denies what it cannot decide."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, replace

import pytest

from argovx_lab.errors import PolicyDenied
from argovx_lab.policy.bundle import Bundle, default_bundle
from argovx_lab.policy.judge import StepFacts, enforce, judge

GOOD = StepFacts(
    step="train",
    user="ada",
    kind="custom_job",
    image="python:3.11",
    run_as="u-ada@p.iam.gserviceaccount.com",
    timeout_s=3600,
    retries=2,
)


def denied(bundle, facts):
    return [decision.rule for decision in judge(bundle, facts) if not decision.allowed]


def test_an_ordinary_step_is_allowed():
    assert denied(default_bundle(), GOOD) == []
    enforce(judge(default_bundle(), GOOD))


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"kind": "local"}, "kind"),
        ({"image": ""}, "image"),
        ({"run_as": "u-eve@p.iam.gserviceaccount.com"}, "run-as"),
        ({"run_as": "u-ada@p.iam.gserviceaccount.com.evil.example"}, "run-as"),
        ({"run_as": "u-adam@p.iam.gserviceaccount.com"}, "run-as"),
        ({"run_as": ""}, "run-as"),
        ({"user": ""}, "run-as"),
        ({"timeout_s": 0}, "timeout"),
        ({"timeout_s": -1}, "timeout"),
        ({"timeout_s": 8 * 24 * 3600}, "timeout"),
        ({"retries": 11}, "retries"),
        ({"retries": -1}, "retries"),
        ({"replicas": 17}, "replicas"),
        ({"replicas": 0}, "replicas"),
        ({"strategy": "LOW_COST"}, "strategy"),
        ({"timeout_s": None}, "timeout"),
        ({"timeout_s": "1"}, "timeout"),
        ({"image": 7}, "image"),
    ],
)
def test_each_rule_denies_by_its_name(change, rule):
    bundle = replace(default_bundle(), images=("python:*",))
    facts = replace(GOOD, **change)
    assert denied(bundle, facts) == [rule]
    with pytest.raises(PolicyDenied, match=f"policy {rule}: "):
        enforce(judge(bundle, facts))


def test_images_are_patterns_with_case():
    bundle = replace(default_bundle(), images=("eu-docker.pkg.dev/team/*", "python:3.11"))
    assert denied(bundle, replace(GOOD, image="eu-docker.pkg.dev/team/a@sha256:1")) == []
    assert denied(bundle, replace(GOOD, image="Python:3.11")) == ["image"]
    assert denied(bundle, replace(GOOD, image="evil/eu-docker.pkg.dev/team/a")) == ["image"]


def test_a_users_name_cannot_widen_the_pattern():
    for user in ("*", "a*", "[a-z]", "ad?"):
        facts = replace(GOOD, user=user)
        assert "run-as" in denied(default_bundle(), facts), user


def test_the_account_must_be_of_the_jobs_project_where_that_is_known():
    assert denied(default_bundle(), replace(GOOD, project="p")) == []
    assert denied(default_bundle(), replace(GOOD, project="q")) == ["run-as"]
    for run_as in ("u-ada@a@p.iam.gserviceaccount.com", "u-ada@a/p.iam.gserviceaccount.com"):
        assert denied(default_bundle(), replace(GOOD, run_as=run_as)) == ["run-as"]


def test_a_bundle_is_frozen_and_has_a_digest():
    bundle = default_bundle()
    assert bundle.digest == Bundle().digest
    assert bundle.digest != replace(bundle, timeout_max_s=1).digest
    with pytest.raises(FrozenInstanceError):
        bundle.timeout_max_s = 1


def test_a_broken_pattern_denies():
    assert denied(replace(default_bundle(), run_as="{nobody}"), GOOD) == ["run-as"]
