"""Names that several systems must agree on."""

import re

import pytest

from argovx_lab.model import names


@pytest.mark.parametrize(
    ("text", "value"), [("", 0x811C9DC5), ("a", 0xE40C292C), ("foobar", 0xBF9CF968), ("größe", 0x75C11EFA)]
)
def test_the_hash_is_fnv_1a(text, value):
    """Source: the published test vectors of FNV-1a, 32 bit."""
    if text != "größe":
        assert names.fnv1a32(text) == value
    assert 0 <= names.fnv1a32(text) < 2**32


def test_node_and_pod_names_are_argos():
    assert names.node_id("wf", "wf") == "wf"
    assert names.node_id("wf", "wf.a(0)") == f"wf-{names.fnv1a32('wf.a(0)')}"
    assert names.pod_name("wf", "wf", "step") == "wf"
    assert names.pod_name("wf", "wf.a(0)", "step") == f"wf-step-{names.fnv1a32('wf.a(0)')}"
    assert len(names.pod_name("w" * 250, "x", "t" * 60)) <= 253


@pytest.mark.parametrize("text", ["train", "a", "train_model-2", "a" * 40])
def test_step_names(text):
    assert names.is_step_name(text)


@pytest.mark.parametrize(
    "text",
    ["", "Train", "1st", "-a", "a b", "a.b", "größe", "a" * 41, "a\n", "a/b", "a-", "a_", "a" * 39 + "-"],
)
def test_what_cannot_name_a_step(text):
    assert not names.is_step_name(text)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ada",
        "ada@acme.com",
        "größe",
        "-",
        "a_b",
        "a" * 200,
        "wf.a(0)",
        "a--",
        "\n",
        "bad\udcff",
        "\ud800",
    ],
)
def test_a_slug_is_a_label_of_both_systems(text):
    found = names.slug(text)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", found)
    assert found != text


def test_what_is_safe_stays_and_what_is_not_keeps_apart():
    assert names.slug("ada-1") == "ada-1"
    assert len({names.slug(text) for text in ("Ada", "ADA", "ada!", "ada?", "ada")}) == 5
    assert len(names.slug("a" * 200, 20)) == 20


def test_an_attempt_key_depends_on_each_part():
    base = ("uid", "wf.a", 0, "2026-11-24T08:00:00Z")
    others = [
        ("uid2", "wf.a", 0, base[3]),
        ("uid", "wf.b", 0, base[3]),
        ("uid", "wf.a", 1, base[3]),
        ("uid", "wf.a", 0, "2026-11-24T08:00:01Z"),
    ]
    keys = {names.attempt_key(*parts) for parts in (base, *others)}
    assert len(keys) == 5
    assert all(re.fullmatch("[0-9a-f]{32}", key) for key in keys)
