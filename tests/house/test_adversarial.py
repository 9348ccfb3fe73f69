"""docs/identity.md lists every fault and attack by its number, each with tests that exist or a reason."""

import re

from hypothesis import given
from hypothesis import strategies as st

from argovx_lab.model import names

#: The numbers of the list; those that are left out were never given.
NUMBERS = [1, 2, 3, 4, 6, 7, 8, 9, 11, 13, 15, 16, 18, 19, 21, 22, 23, 24, 26, 27, 28, 30, 31, 33, 35, 36, 38,
           40, 41, 43, 44, 45, 47, 48, 51, 52, 54]  # fmt: skip

_ROW = re.compile(r"^\| (\d+) \| (.+?) \| (.+?) \|$", re.MULTILINE)
_TEST = re.compile(r"`(tests/[a-z_/]+\.py)::(test_[a-z0-9_]+)`")
_NAMED = re.compile(r"^\s*(?:async )?def (test_case_(\d+)_[a-z0-9_]+)\(", re.MULTILINE)


def _rows(root):
    text = (root / "docs" / "identity.md").read_text().partition("## Faults and attacks")[2]
    return {int(number): cell for number, _, cell in _ROW.findall(text)}


def test_every_number_is_listed_with_a_test_or_a_reason(pytestconfig):
    rows = _rows(pytestconfig.rootpath)
    assert list(rows) == NUMBERS
    for number, cell in rows.items():
        assert _TEST.search(cell) or cell.startswith("does not apply: "), number


def test_every_test_that_is_listed_exists(pytestconfig):
    root = pytestconfig.rootpath
    text = (root / "docs" / "identity.md").read_text()
    listed = _TEST.findall(text)
    assert len(listed) > len(NUMBERS)
    for path, name in listed:
        assert re.search(rf"^\s*(?:async )?def {name}\(", (root / path).read_text(), re.MULTILINE), (
            path,
            name,
        )


def test_every_test_with_a_number_is_listed_under_it(pytestconfig):
    root = pytestconfig.rootpath
    rows = _rows(root)
    found = 0
    for path in sorted((root / "tests").rglob("test_*.py")):
        for name, number in _NAMED.findall(path.read_text()):
            found += 1
            place = f"{path.relative_to(root).as_posix()}::{name}"
            assert place in rows.get(int(number), ""), place
    assert found > 20


@given(st.text(min_size=1, max_size=300), st.text(min_size=1, max_size=300))
def test_case_35_two_people_never_share_a_slug(one, other):
    first, second = names.slug(one, 30), names.slug(other, 30)
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,28}[a-z0-9])?", first)
    assert (first == second) == (one == other)


def test_case_35_names_that_try_to_be_somebody_else():
    known = ["alice", "alice@corp", "ALICE", "alice-", "-alice", "al\u0456ce", "system:masters", "a" * 300, "\U0001f600",
             "alice\n", " alice"]  # fmt: skip
    slugs = [names.slug(name, 30) for name in known]
    assert len(set(slugs)) == len(known)
    assert slugs[0] == "alice"
