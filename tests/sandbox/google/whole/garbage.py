"""What a client may send over a real socket that is no request, or not the whole of one.

Each generator takes a source of randomness and returns the bytes of one connection, without the answer in mind.
"""

from __future__ import annotations

import random
from collections.abc import Callable

import hyperframe.frame as frames
from hpack import Encoder

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
JUNK = bytes(range(256))


def noise(random_: random.Random, most: int = 400) -> bytes:
    return bytes(random_.choice(JUNK) for _ in range(random_.randrange(most)))


def bent(random_: random.Random, data: bytes) -> bytes:
    """Return ``data`` with a few bytes changed, cut, doubled or put in."""
    found = bytearray(data)
    for _ in range(random_.randrange(1, 5)):
        at = random_.randrange(len(found) + 1)
        turn = random_.randrange(4)
        if turn == 0 and at < len(found):
            found[at] = random_.randrange(256)
        elif turn == 1:
            del found[at : at + random_.randrange(30)]
        elif turn == 2:
            found[at:at] = noise(random_, 20)
        else:
            found[at:at] = found[at : at + random_.randrange(60)]
    return bytes(found)


class Http1:
    """HTTP/1.1 about a path that takes a body."""

    def __init__(self, path: str, upload: str, token: str, body: bytes) -> None:
        self.path, self.upload, self.token, self.body = path, upload, token, body

    def head(self, *more: str, method: str = "POST", path: str = "") -> bytes:
        lines = (f"{method} {path or self.path} HTTP/1.1", "host: localhost")
        lines += (f"authorization: Bearer {self.token}", "content-type: application/json", *more)
        return "\r\n".join((*lines, "", "")).encode("latin-1")

    def cases(self) -> list[Callable[[random.Random], bytes]]:
        size = len(self.body)
        whole = self.head(f"content-length: {size}") + self.body
        return [
            noise,
            lambda r: bent(r, whole),
            lambda r: bent(r, self.head(f"content-length: {size}")) + self.body,
            lambda r: whole[: r.randrange(len(whole))],
            lambda r: self.head(f"content-length: {size + 1 + r.randrange(10**9)}") + self.body,
            lambda r: self.head(f"content-length: {r.choice(['-1', '1e3', '0x10', '9' * 30, '', '1, 2'])}"),
            lambda r: self.head("content-length: 3", "content-length: 5") + b"{}   ",
            lambda r: self.head("transfer-encoding: chunked") + self.chunks(r),
            lambda r: self.head(f"transfer-encoding: {r.choice(['gzip', 'chunked, gzip', 'x'])}") + self.body,
            lambda r: self.head("x-long: " + "a" * r.randrange(60_000, 200_000)),
            lambda r: self.head(*[f"x-{n}: {n}" for n in range(r.randrange(3000, 9000))]),
            lambda r: self.head(path="/" + "a" * r.randrange(60_000, 90_000)),
            lambda r: self.head(method=r.choice(["BREW", "CONNECT", "TRACE", "OPTIONS", "post", "P ST", ""])),
            lambda r: self.head(
                path=r.choice(["*", "//", "/%", "/%00", "/%ff%fe", "http://x/y", "x", "/..", "/v1/?%"])
            ),
            lambda r: whole.replace(
                b"HTTP/1.1", r.choice([b"HTTP/1.0", b"HTTP/0.9", b"HTTP/3", b"HTTX/1.1", b""])
            ),
            lambda r: self.head("upgrade: websocket", "connection: upgrade", method="GET"),
            lambda r: self.head("upgrade: h2c", "connection: upgrade", "http2-settings: %%%", method="GET"),
            lambda r: self.head("expect: " + r.choice(["100-continue", "x"]), "content-length: 5") + b"{",
            lambda r: whole.replace(b"application/json", b"application/grpc"),
            lambda r: whole.replace(b"\r\n", r.choice([b"\n", b"\r", b"\r\n ", b"\r\n\t", b"\0\r\n"]), 1),
            lambda r: self.head(
                f"content-range: bytes {r.choice(['x', '0-', '5-1/3', '0-9/*'])}",
                path=self.upload.replace("/b/", "/b/no-"),
            ),
            lambda r: self.head(f"content-length: {10**6}", path=self.upload) + noise(r, 3000),
            lambda r: self.head("transfer-encoding: chunked", path=self.upload) + self.chunks(r),
        ]

    def chunks(self, random_: random.Random) -> bytes:
        bad = [
            b"zz\r\n",
            b"-1\r\n{}\r\n",
            b"f" * 40 + b"\r\n",
            b"2\r\n{}",
            b"2\r\n{}xx0\r\n\r\n",
            b"\r\n",
            b"5\r\n{}\r\n",
        ]
        return b"2\r\n{ \r\n" * random_.randrange(3) + random_.choice(bad)


class Http2:
    """HTTP/2, and gRPC upon it."""

    def __init__(self, method: str, token: str, message: bytes) -> None:
        self.method, self.message = method, message
        self.fields = [
            (":method", "POST"),
            (":scheme", "http"),
            (":authority", "localhost"),
            (":path", method),
            ("content-type", "application/grpc"),
            ("te", "trailers"),
            ("authorization", f"Bearer {token}"),
        ]

    def opened(self) -> bytes:
        return PREFACE + frames.SettingsFrame(0).serialize()

    def headers(self, fields: list[tuple[str, str]] | None = None, stream: int = 1, *flags: str) -> bytes:
        block = Encoder().encode(self.fields if fields is None else fields)
        found = bytes(frames.HeadersFrame(1, data=block, flags=flags or ("END_HEADERS",)).serialize())
        return found[:5] + stream.to_bytes(4, "big") + found[9:]

    def data(self, message: bytes, stream: int = 1, *, end: bool = True) -> bytes:
        return bytes(frames.DataFrame(stream, data=message, flags=("END_STREAM",) if end else ()).serialize())

    def framed(self, message: bytes, flag: int = 0, size: int | None = None) -> bytes:
        return bytes([flag]) + (len(message) if size is None else size).to_bytes(4, "big") + message

    def call(self, body: bytes, *, fields: list[tuple[str, str]] | None = None) -> bytes:
        return self.opened() + self.headers(fields) + self.data(body)

    def without(self, name: str, *more: tuple[str, str]) -> list[tuple[str, str]]:
        return [*more, *(field for field in self.fields if field[0] != name)]

    def raw(self, random_: random.Random) -> bytes:
        """Return a frame of any type, flags and stream."""
        body = noise(random_, 60)
        number = random_.choice([0, 1, 2, 3, 2**31 - 1])
        kind, flags = random_.randrange(12), random_.randrange(256)
        size = random_.choice([len(body), len(body), len(body), 0, 2**24 - 1])
        return size.to_bytes(3, "big") + bytes([kind, flags]) + number.to_bytes(4, "big") + body

    def cases(self) -> list[Callable[[random.Random], bytes]]:
        whole = self.call(self.framed(self.message))
        swap = self.without
        return [
            lambda r: PREFACE + noise(r),
            lambda r: PREFACE[: r.randrange(len(PREFACE))],
            lambda r: bent(r, whole),
            lambda r: PREFACE + bent(r, whole[len(PREFACE) :]),
            lambda r: whole[: r.randrange(len(whole))],
            lambda r: self.opened() + b"".join(self.raw(r) for _ in range(r.randrange(1, 6))),
            lambda r: self.opened() + self.headers() + self.raw(r),
            lambda r: whole + self.raw(r) + self.data(b"more", end=False),
            lambda r: self.call(self.framed(noise(r, 80))),
            lambda r: self.call(self.framed(self.message, r.randrange(256))),
            lambda r: self.call(self.framed(self.message, 0, r.choice([0, 1, 10**6, 2**32 - 1]))),
            lambda r: self.call(b"\0" * r.randrange(5)),
            lambda r: self.call(self.framed(self.message), fields=swap("te")),
            lambda r: self.call(
                self.framed(self.message), fields=swap(r.choice([":path", ":method", ":scheme"]))
            ),
            lambda r: self.call(
                b"", fields=swap(":method", (":method", r.choice(["CONNECT", "GET", "", "x"])))
            ),
            lambda r: self.call(
                b"", fields=swap(":path", (":path", r.choice(["", "*", "x", "/\u00e4", "//", "/a/b/c"])))
            ),
            lambda r: self.call(b"", fields=[*self.fields, ("X-Upper", "a"), ("connection", "close")]),
            lambda r: self.call(
                b"", fields=[*self.fields, ("grpc-timeout", r.choice(["x", "-1S", "9" * 20 + "S", "0n"]))]
            ),
            lambda r: self.call(
                b"", fields=[*self.fields, ("x-long", "a" * r.randrange(10_000, 16_000))] * 9
            ),
            lambda r: self.opened() + self.headers(None, r.choice([0, 2, 5]), "END_HEADERS", "END_STREAM"),
            lambda r: self.opened() + self.headers(None, 1, "END_STREAM") + self.raw(r),
            lambda r: self.opened() + frames.WindowUpdateFrame(0, window_increment=2**31 - 1).serialize() * 2,
            lambda r: (
                self.opened()
                + b"".join(self.priority(n) for n in range(1, 4000, 2))
                + whole[len(self.opened()) :]
            ),
            lambda r: self.opened() + frames.PingFrame(0, opaque_data=b"12345678").serialize() * 500,
            lambda r: (
                self.opened()
                + self.headers()
                + frames.RstStreamFrame(1, error_code=r.randrange(20)).serialize()
            ),
            lambda r: self.opened() + frames.GoAwayFrame(0, last_stream_id=0).serialize() + self.headers(),
        ]

    def priority(self, stream: int) -> bytes:
        return bytes(frames.PriorityFrame(stream, depends_on=0, stream_weight=3).serialize())
