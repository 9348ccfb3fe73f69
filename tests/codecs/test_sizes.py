"""Sizes read the same in Python and in the panel (``format.ts``): powers of 1000, one digit below 100."""

import pytest

from argovx_lab.codecs import size_text


@pytest.mark.parametrize(
    ("size_bytes", "text"),
    [
        (0, "0 B"),
        (12, "12 B"),
        (999, "999 B"),
        (1000, "1 KB"),
        (12_204, "12.2 KB"),
        (920_128, "920 KB"),
        (1_200_000_000, "1.2 GB"),
        (3_000_000_000_000_000, "3000 TB"),
    ],
)
def test_sizes_are_in_powers_of_1000(size_bytes, text):
    assert size_text(size_bytes) == text
