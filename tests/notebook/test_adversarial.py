"""Hostile text under a cell, and on its first line: numbers as in docs/identity.md."""

import dataclasses
import json
from datetime import UTC, datetime

import pytest

from argovx_lab.capture.arguments import parse_line
from argovx_lab.errors import SpecError
from argovx_lab.model.principal import Principal
from argovx_lab.model.run import Node, Output, Phase, Run
from argovx_lab.notebook.commands import Lines
from argovx_lab.notebook.display import MIME, bundle, line, notes

HOSTILE = [
    "<img src=x onerror=alert(1)>",
    "</script><script>alert(1)</script>",
    "<svg onload=alert(1)>",
    "<a href='javascript:alert(1)'>x</a>",
    "\x1b]8;;http://evil.example\x07x\x1b]8;;\x07",
    "'\"><iframe src=//evil.example>",
]


def _run(text):
    node = Node(text, text, Phase.FAILED)
    known = {field.name for field in dataclasses.fields(Output)}
    output = {"name": text, "codec": text, "summary": text, "digest": text, "state": "ready"}
    node = dataclasses.replace(
        node, message=text, outputs=(Output(**{key: output[key] for key in output if key in known}),)
    )
    return Run(**_filled(Run, id=text, nodes=(node,), note=text)), node


def _filled(kind, **given):
    """Fill the fields of a dataclass that have no default."""
    missing = dataclasses.MISSING
    needed = [f for f in dataclasses.fields(kind) if f.default is missing and f.default_factory is missing]
    return {**{field.name: HOSTILE[0] for field in needed}, **given}


@pytest.mark.parametrize("text", HOSTILE)
def test_case_38_words_of_a_run_are_text_in_every_form(text):
    run, node = _run(text)
    shown = [bundle(run, node)["text/html"], notes([text])["text/html"], line(text)["text/html"]]
    shown.append(Lines((text,))._repr_html_())
    for html in shown:
        plain = html
        for tag in ("div", "small", "pre", "ul", "li", "b", "code"):
            plain = plain.replace(f"<{tag}>", "").replace(f"</{tag}>", "")
        assert "<" not in plain, html
    assert json.loads(json.dumps(bundle(run, node)[MIME]))["snapshot"]["note"] == text


@pytest.mark.parametrize("text", HOSTILE)
def test_case_38_who_acts_is_text_too(text):
    principal = Principal(text, text, text, text, text, problem=text)
    html = Lines(tuple(principal.lines(datetime.now(UTC))))._repr_html_()
    assert "<" not in html.removeprefix("<pre>").removesuffix("</pre>")


@pytest.mark.parametrize(
    "flag",
    [
        "--label argovx.dev/user=bob",
        "--annotation workflows.argoproj.io/pod-gc-strategy=x",
        "--annotations x",
        "--pod-spec-patch {}",
        "--service-account wf-bob",
    ],
)
def test_case_36_no_flag_makes_a_label_an_annotation_or_an_account(flag):
    with pytest.raises(SpecError):
        parse_line(f"train(x) -> y {flag}")
