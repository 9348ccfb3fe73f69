"""``docs/codecs.md`` holds a table that is made of the codecs themselves: ``ARGOVX_WRITE=1`` writes it anew."""

from __future__ import annotations

import os

from argovx_lab.codecs.registry import BUILT_IN

BEGIN, END = "<!-- codecs: made by tests/codecs/test_docs.py -->\n", "<!-- /codecs -->\n"


def table() -> str:
    rows = ["| name | carries | written as | refuses |", "|---|---|---|---|"]
    rows += [f"| `{codec.name}` | {' | '.join(codec.about)} |" for codec in BUILT_IN]
    return "\n".join(rows) + "\n"


def test_the_table_of_codecs_is_what_they_say_of_themselves(pytestconfig):
    path = pytestconfig.rootpath / "docs" / "codecs.md"
    text = path.read_text()
    before, _, rest = text.partition(BEGIN)
    made = before + BEGIN + table() + END + rest.partition(END)[2]
    if os.environ.get("ARGOVX_WRITE"):
        path.write_text(made)
    assert made == path.read_text(), "docs/codecs.md is stale: run this test with ARGOVX_WRITE=1"
    assert all(all(codec.about) for codec in BUILT_IN)
