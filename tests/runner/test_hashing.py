"""A digest beside the network is the digest, whatever the sizes."""

import hashlib

import pytest

from argovx_lab.runner.hashing import BLOCK_BYTES, BLOCKS, Sha256


@pytest.mark.parametrize("length", ["", "10", str(64 << 20)])
@pytest.mark.parametrize("count", [0, 1, BLOCKS * 3])
def test_the_digest_is_that_of_the_bytes_in_order(length, count):
    expected = hashlib.sha256()
    with Sha256(length) as digest:
        for number in range(count):
            room = digest.room()
            size = BLOCK_BYTES if number % 2 else 1000 + number
            room[:size] = bytes([number]) * size
            expected.update(room[:size])
            digest.take(room, size)
            assert bytes(room[:1]) == bytes([number])  # it may be read until the next one is asked for
    assert digest.hexdigest() == expected.hexdigest()
