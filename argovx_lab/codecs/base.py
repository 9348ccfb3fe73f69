"""What a codec is: a name, a value's type, and bytes that give the same value back.

Owns the limit on size, the digest taken while bytes are written, and the one way in which errors
are worded. Refuses to guess: a codec either gives back the same value or raises `CodecError`.
Python 3.9 syntax, standard library only: this package travels into jobs.
"""

from __future__ import annotations

import hashlib
import io
import tempfile
from contextvars import ContextVar
from dataclasses import dataclass
from typing import IO, Any, Iterator, Optional, Union

from argovx_lab.errors import CodecError

#: Largest encoded value. Unit: bytes. Reason: above it a file in the bucket is the better way.
LIMIT_BYTES = 1 << 30

#: Encoded bytes up to here stay in memory, more goes to a temporary file. Unit: bytes.
SPOOL_BYTES = 16 << 20

_CHUNK = 1 << 20

#: Names of the notebook's own definitions that the value which is being encoded needs to be read.
NEEDED: ContextVar[Optional[list[str]]] = ContextVar("argovx_needed", default=None)

_UNITS = ("B", "KB", "MB", "GB", "TB")


@dataclass(frozen=True)
class Encoded:
    """A value as bytes.

    Parameters
    ----------
    codec : str
        Name of the codec, as specs and manifests carry it.
    type_name : str
        The value's own type, such as ``numpy.ndarray``.
    summary : str
        One readable line, such as ``numpy array, 1797×64``.
    size_bytes : int
        Length of the payload.
    digest : str
        SHA-256 of the payload, hexadecimal.
    payload : bytes or file
        The bytes, or an open temporary file that holds them when they are many.
    needs : tuple of str
        Classes of the notebook that must be defined where the value is read.
    """

    codec: str
    type_name: str
    summary: str
    size_bytes: int
    digest: str
    payload: Union[bytes, IO[bytes]]
    needs: tuple[str, ...] = ()

    def chunks(self) -> Iterator[bytes]:
        """Yield the payload in pieces of at most 1 MiB."""
        if isinstance(self.payload, bytes):
            for start in range(0, len(self.payload), _CHUNK):
                yield self.payload[start : start + _CHUNK]
            return
        self.payload.seek(0)
        while True:
            piece = self.payload.read(_CHUNK)
            if not piece:
                return
            yield piece

    def read(self) -> bytes:
        """Return the whole payload."""
        return self.payload if isinstance(self.payload, bytes) else b"".join(self.chunks())

    def close(self) -> None:
        """Let go of the temporary file, if there is one."""
        if not isinstance(self.payload, bytes):
            self.payload.close()


class Codec:
    """Base of all codecs; subclasses fill in four small methods.

    Parameters
    ----------
    name : str
        As the user writes it after the colon: ``report:json``.
    automatic : bool
        Whether it may be chosen by the value's type. Pickle may not.
    about : tuple of str
        For people: what values it carries, how they are written, what it refuses. The table in
        ``docs/codecs.md`` is made of these.
    """

    name = ""
    automatic = True
    about: tuple[str, str, str] = ("", "", "")

    def accepts(self, value: Any) -> bool:
        """Tell, cheaply and by type, whether this codec is the one for ``value``."""
        raise NotImplementedError

    def summary(self, value: Any) -> str:
        """Return one readable line about ``value``, without its content."""
        raise NotImplementedError

    def write(self, value: Any, sink: Sink) -> None:
        """Write the bytes of ``value``, or raise `CodecError`."""
        raise NotImplementedError

    def load(self, source: IO[bytes]) -> Any:
        """Return the value that the bytes of ``source`` stand for, or raise `CodecError`."""
        raise NotImplementedError

    def warm(self) -> None:
        """Import what `load` needs; nothing by default."""

    def encode(self, value: Any, limit_bytes: int = LIMIT_BYTES, file: Optional[IO[bytes]] = None) -> Encoded:
        """Return ``value`` as bytes.

        Parameters
        ----------
        file : file
            Where the bytes are written to, instead of memory or a temporary file; the caller closes it.

        Raises
        ------
        CodecError
            When the value is of another type, would not come back the same, or is longer than
            ``limit_bytes``.
        """
        sink = Sink(limit_bytes, file)
        needs: list[str] = []
        token = NEEDED.set(needs)
        try:
            self.write(value, sink)
            payload = sink.finish()
        except BaseException:
            sink.drop()
            raise
        finally:
            NEEDED.reset(token)
        return Encoded(
            codec=self.name,
            type_name=type_name(value),
            summary=self.summary(value),
            size_bytes=sink.size_bytes,
            digest=sink.digest,
            payload=payload,
            needs=tuple(dict.fromkeys(needs)),
        )

    def decode(self, data: Union[bytes, IO[bytes]]) -> Any:
        """Return the value that ``data`` stands for; never runs code that is in it.

        Raises
        ------
        CodecError
            When the bytes are not what this codec writes.
        """
        return self.load(io.BytesIO(data) if isinstance(data, bytes) else data)


class Sink(io.RawIOBase):
    """A file to write to, front to back: counts, hashes and stops at the limit."""

    def __init__(self, limit_bytes: int, file: Optional[IO[bytes]] = None) -> None:
        self._limit = limit_bytes
        self._hash = hashlib.sha256()
        self._given = file
        self._file: IO[bytes] = file or tempfile.SpooledTemporaryFile(max_size=SPOOL_BYTES)  # noqa: SIM115  (handed on)
        self.size_bytes = 0

    def writable(self) -> bool:
        """Return ``True``."""
        return True

    def write(self, data: Any) -> int:
        """Append ``data``; raises `CodecError` beyond the limit."""
        view = memoryview(data).cast("B")
        self.size_bytes += len(view)
        if self.size_bytes > self._limit:
            raise CodecError(
                "it is larger than %s as bytes" % size_text(self._limit),
                hint="Write it to the bucket inside the cell and pass its gs:// address, or pass a part.",
            )
        self._hash.update(view)
        rest = view
        while len(rest):  # an unbuffered file may take less than it is given
            rest = rest[self._file.write(rest) :]
        return len(view)

    def tell(self) -> int:
        """Return how many bytes were written."""
        return self.size_bytes

    @property
    def digest(self) -> str:
        """SHA-256 of what was written so far."""
        return self._hash.hexdigest()

    def finish(self) -> Union[bytes, IO[bytes]]:
        """Return what was written: bytes when it is little, else the open file."""
        if self._given is not None:
            return self._given
        self._file.seek(0)
        if self.size_bytes > SPOOL_BYTES:
            return self._file
        data: bytes = self._file.read()
        self._file.close()
        return data

    def drop(self) -> None:
        """Forget what was written."""
        if self._given is None:
            self._file.close()


def type_name(value: Any) -> str:
    """Return the type as ``module.Name``; without the module for builtins."""
    kind = type(value)
    return kind.__qualname__ if kind.__module__ == "builtins" else kind.__module__ + "." + kind.__qualname__


def root_module(value: Any) -> str:
    """Return the first part of the module that defines the value's type."""
    return str(type(value).__module__).partition(".")[0]


def size_text(size_bytes: int) -> str:
    """Return a size in powers of 1000, as storage is billed: ``12 B``, ``12.2 KB``, ``1.2 GB``.

    The panel spells sizes in the same way (``bytes`` of its ``format.ts``).
    """
    size, unit = float(size_bytes), 0
    while size >= 1000 and unit < len(_UNITS) - 1:
        size /= 1000
        unit += 1
    digits = 0 if unit == 0 or size >= 100 else 1
    return ("%.*f" % (digits, size)).replace(".0", "") + " " + _UNITS[unit]


def shape_text(shape: Any) -> str:
    """Return a shape as people read it: ``1797×64``; ``scalar`` for no axis."""
    return "×".join(str(n) for n in shape) or "scalar"


def need(module: str) -> Any:
    """Return an importable module.

    Raises
    ------
    CodecError
        When this Python does not have it.
    """
    import importlib

    try:
        return importlib.import_module(module)
    except ImportError as error:
        package = module.partition(".")[0]
        raise CodecError(
            "%s is not installed in this Python" % package,
            hint="Choose an image that has it, or name it with --requirements %s==VERSION." % package,
        ) from error
