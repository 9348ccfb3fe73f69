"""What a file may grow to when it is read: looked up in its own directory before anything is unpacked.

Owns the limit. Refuses archives that are compressed where we never compress, and Parquet that promises
more than `DECODED_MAX`.
"""

from __future__ import annotations

import io
import zipfile
from typing import Any

from argovx_lab.codecs.base import LIMIT_BYTES, size_text
from argovx_lab.errors import CodecError

#: Largest table in memory. Unit: bytes. Reason: four times the most that is written.
DECODED_MAX = 4 * LIMIT_BYTES

#: How often a nested archive may be larger than its bytes. Reason: sparse arrays in models are compressed.
_NESTED_RATIO = 200


def check_archive(data: bytes) -> None:
    """Look at a zip that we wrote: nothing in it is compressed, nothing in it swells.

    Raises
    ------
    CodecError
        When it is not such a zip.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            members = archive.infolist()
            if any(m.compress_type != zipfile.ZIP_STORED or m.file_size != m.compress_size for m in members):
                raise CodecError("the bytes are not an archive of argovx-lab: something in it is compressed")
            if sum(member.file_size for member in members) > len(data):
                raise CodecError(
                    "the bytes are not an archive of argovx-lab: it says it is larger than it is"
                )
            for member in members:
                if member.filename.endswith(".npz"):
                    _check_nested(archive.read(member))
    except (zipfile.BadZipFile, KeyError, ValueError, OSError, NotImplementedError, RuntimeError) as error:
        raise CodecError("the bytes are not an archive: %.160s" % error) from error


def _check_nested(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        size = sum(member.file_size for member in archive.infolist())
    if size > max(len(data) * _NESTED_RATIO, 1 << 20):
        raise CodecError("an array in it would be %s of %s" % (size_text(size), size_text(len(data))))


def check_parquet(file: Any) -> None:
    """Look at what a Parquet file says of itself.

    Raises
    ------
    CodecError
        When its columns would take more than `DECODED_MAX`.
    """
    meta = file.metadata
    size = 0
    for number in range(meta.num_row_groups):
        group = meta.row_group(number)
        for index in range(group.num_columns):
            column = group.column(index)
            width = {"DOUBLE": 8, "INT64": 8, "INT96": 12, "FLOAT": 4, "INT32": 1}.get(
                column.physical_type, 0
            )
            size += max(column.num_values * width, column.total_uncompressed_size)
    check_size(max(size, meta.num_rows * max(meta.num_columns, 1) // 8))


def check_size(size: int) -> None:
    """Raise `CodecError` when a table of ``size`` bytes in memory is too large."""
    if size > DECODED_MAX:
        raise CodecError(
            "as a table it would take %s or more" % size_text(size),
            hint="At most %s fit: read a part of it inside the cell." % size_text(DECODED_MAX),
        )
