"""Hostile protobuf bodies: each is an object or a refusal, soon."""

from __future__ import annotations

import random

import pytest

from argovx_lab.sandbox.kubernetes.interface import ApiError
from argovx_lab.sandbox.kubernetes.protobuf import decoding
from argovx_lab.sandbox.kubernetes.protobuf.messages import KINDS, messages

PLAIN = {"s", "i", "b", "y", "time", "microtime", "quantity", "intstr", "raw"}


def wrapped(kind: str, content: bytes) -> bytes:
    head = (
        b"\x0a"
        + bytes([len(KINDS[kind])])
        + KINDS[kind].encode()
        + b"\x12"
        + bytes([len(kind)])
        + kind.encode()
    )
    return decoding.MAGIC + b"\x0a" + bytes([len(head)]) + head + b"\x12" + varint(len(content)) + content


def varint(value: int) -> bytes:
    found = b""
    while value > 0x7F:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def grown(name: str, chance: random.Random) -> bytes:
    """Return a message with random fields of the right types."""
    found = b""
    for number, field in messages()[name].items():
        if chance.random() < 0.5:
            continue
        if field.type in ("i", "b") and field.mark != "%":
            found += varint(number << 3) + varint(chance.choice([0, 1, 420, (1 << 64) - 3]))
            continue
        inner = chance.choice([b"", b"a", b"\xff"]) if field.type in PLAIN else grown(field.type, chance)
        if field.type in ("time", "microtime", "quantity", "intstr", "raw"):
            inner = chance.choice([b"", b"\x08\x01", b"\x08\x90\xaf\xd0\xaa\x06\x10\x07"])
        if field.type in ("quantity", "raw"):
            inner = chance.choice([b"", b"\x0a\x011"])
        if field.mark == "%":
            inner = b"\x0a\x01k\x12" + varint(len(inner)) + inner
        found += varint(number << 3 | 2) + varint(len(inner)) + inner
    return found


def read(data: bytes) -> str:
    try:
        found = decoding.decode(data)
    except ApiError as error:
        return "refused" if error.message and error.code in (400, 415) else "crashed"
    assert found["kind"] in KINDS
    return "read"


def test_the_tables_name_no_message_that_is_not_there():
    for name, fields in messages().items():
        for field in fields.values():
            assert field.type in PLAIN or field.type in messages(), (name, field)
    assert set(KINDS) <= set(messages())


def test_every_field_of_every_kind_is_read():
    chance = random.Random(1)
    for kind in KINDS:
        for _ in range(5):
            assert read(wrapped(kind, grown(kind, chance))) == "read"


def test_spoiled_bodies_are_read_or_refused():
    chance = random.Random(2)
    outcomes = []
    for _ in range(1500):
        kind = chance.choice(sorted(KINDS))
        data = bytearray(wrapped(kind, grown(kind, chance)))
        for _ in range(chance.randrange(1, 5)):
            place = chance.randrange(len(decoding.MAGIC), len(data))
            match chance.randrange(3):
                case 0:
                    data[place] = chance.randrange(256)
                case 1:
                    del data[place : place + chance.randrange(1, 9)]
                case 2:
                    data[place:place] = chance.randbytes(chance.randrange(1, 9))
        outcomes.append(read(bytes(data)))
    assert set(outcomes) == {"read", "refused"}


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"\x12\x00" * 210_000, "more than 200000 fields"),
        (b"\x0a\x0b\x42\x09\x08" + b"\xff" * 7 + b"\x7f", "no time"),
        (b"\x0a\x04\x0b\x0b\x0b\x0b", "wire type 3"),
        (b"\x0a\x02\x38" + b"\x80", "cut off"),
    ],
)
def test_bounds(content, why):
    with pytest.raises(ApiError, match=why):
        decoding.decode(wrapped("Pod" if b"\x12\x00\x12" in content else "ConfigMap", content))
