"""The projected token file: rotation, damage, staleness, size."""

from __future__ import annotations

import pytest

from argovx_lab.errors import CredentialError
from argovx_lab.identity.suppliers import TOKEN_MAX, TokenFile


def read(path, **options):
    return TokenFile(str(path), **options).get_subject_token(None, None)


@pytest.mark.parametrize("frame", ["%s", "%s\n", "\r\n%s\r\n", "\ufeff%s", "  %s  "])
def test_white_space_and_byte_order_marks_are_stripped(tmp_path, make_jwt, frame):
    token = make_jwt()
    path = tmp_path / "token"
    path.write_text(frame % token, encoding="utf-8")
    assert read(path) == token


def test_it_is_read_afresh_each_time(tmp_path, make_jwt):
    path = tmp_path / "token"
    path.write_text(make_jwt(n=1))
    supplier = TokenFile(str(path))
    first = supplier.get_subject_token(None, None)
    path.write_text(make_jwt(n=2))
    assert supplier.get_subject_token(None, None) != first


def test_a_stale_token_is_named_after_one_more_look(tmp_path, make_jwt):
    path = tmp_path / "token"
    path.write_text(make_jwt(exp=1000))
    with pytest.raises(CredentialError, match="stale: it ended 60 s ago"):
        read(path, clock=lambda: 1060.0)


def test_a_token_that_is_rotated_meanwhile_is_taken(tmp_path, make_jwt):
    path = tmp_path / "token"
    path.write_text(make_jwt(exp=1000))
    fresh = make_jwt(exp=5000)

    def clock():
        path.write_text(fresh)
        return 2000.0

    assert read(path, clock=clock) == fresh


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (b"", "is empty"),
        (b" \n", "is empty"),
        (b"not a token", "does not hold"),
        (b"a.b.c", "does not hold"),
        (b"a." + b"eyJ" + b".c.d", "does not hold"),
        (b"x" * (TOKEN_MAX + 1), "larger than"),
    ],
)
def test_damage_is_named_without_the_content(tmp_path, content, text):
    path = tmp_path / "token"
    path.write_bytes(content)
    with pytest.raises(CredentialError, match=text) as error:
        read(path)
    assert str(tmp_path) not in str(error.value)


def test_a_missing_file_is_named_without_its_path(tmp_path):
    with pytest.raises(CredentialError, match="does not exist") as error:
        read(tmp_path / "nothing")
    assert str(tmp_path) not in str(error.value)


def test_a_folder_in_its_place_is_named(tmp_path):
    with pytest.raises(CredentialError, match="cannot be read"):
        read(tmp_path)
