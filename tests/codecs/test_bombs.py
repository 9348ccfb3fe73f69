"""Files that would swell when they are read: refused by what their directory says, before anything is unpacked."""

from __future__ import annotations

import io
import zipfile

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression

from argovx_lab import codecs
from argovx_lab.codecs import bounds
from argovx_lab.errors import CodecError


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr(bounds, "DECODED_MAX", 10_000_000)


@pytest.mark.parametrize("codec", ["arrow", "pandas"])
def test_a_small_parquet_of_many_rows_is_refused_before_it_is_read(small, codec):
    out = io.BytesIO()
    pq.write_table(pa.table({"a": np.zeros(4_000_000)}), out, compression="zstd")
    assert len(out.getvalue()) < 100_000
    before = pa.total_allocated_bytes()
    with pytest.raises(CodecError, match="X cannot be read: as a table it would take 32 MB or more"):
        codecs.decode(out.getvalue(), codec, name="X")
    assert pa.total_allocated_bytes() - before < 1_000_000


def rezipped(data: bytes, how: int, extra: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as source, zipfile.ZipFile(out, "w", how) as target:
        for name in source.namelist():
            target.writestr(name, source.read(name))
        for name, content in extra.items():
            target.writestr(name, content)
    return out.getvalue()


def test_archives_of_models_may_not_swell():
    data = codecs.encode(LogisticRegression()).read()
    inner = io.BytesIO()
    np.savez_compressed(inner, a=np.zeros(5_000_000))
    for broken, reason in [
        (rezipped(data, zipfile.ZIP_DEFLATED, {"9.npy": bytes(10_000_000)}), "something in it is compressed"),
        (rezipped(data, zipfile.ZIP_STORED, {"9.npz": inner.getvalue()}), "an array in it would be 40 MB"),
        (data[:-30], "not an archive"),
    ]:
        with pytest.raises(CodecError, match=reason):
            codecs.decode(broken, "sklearn", name="X")
