"""Images of Pillow, mode by mode; exact or refused."""

from __future__ import annotations

import io
import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from argovx_lab import codecs
from argovx_lab.codecs.base import Sink
from argovx_lab.codecs.images import SCHEMA
from argovx_lab.codecs.parts import write_parts
from argovx_lab.errors import CodecError

MODES = [
    *["1", "L", "P", "RGB", "RGBA", "CMYK", "YCbCr", "LAB", "HSV"],
    *["I", "F", "LA", "PA", "RGBX", "La", "RGBa", "I;16"],
]
INFO = st.dictionaries(
    st.text(max_size=5),
    st.integers() | st.binary(max_size=9) | st.tuples(st.floats(), st.text(max_size=3)),
    max_size=3,
)


@settings(max_examples=80, deadline=None)
@given(mode=st.sampled_from(MODES), size=st.tuples(*[st.integers(0, 9)] * 2), info=INFO, noise=st.randoms())
def test_every_mode_comes_back(mode, size, info, noise):
    value = Image.new(mode, size)
    if all(size):
        value = Image.frombytes(mode, size, noise.randbytes(len(value.tobytes())))
    if mode == "P":
        value.putpalette(noise.randbytes(3 * noise.randrange(1, 257)))
    value.info.update(info)
    encoded = codecs.encode(value)
    found = codecs.decode(encoded.read(), "image")
    assert type(found) is Image.Image
    assert (found.mode, found.size, found.tobytes()) == (value.mode, value.size, value.tobytes())
    assert repr(found.info) == repr(value.info)
    assert found.getpalette() == value.getpalette()
    assert codecs.encode(found).digest == encoded.digest


def test_an_opened_file_is_refused_and_its_copy_travels():
    out = io.BytesIO()
    Image.new("RGB", (3, 2), "red").save(out, "PNG", dpi=(72, 72))
    with Image.open(io.BytesIO(out.getvalue())) as opened:
        with pytest.raises(CodecError, match="still a file") as caught:
            codecs.encode(opened, name="photo")
        assert ".copy()" in caught.value.hint
        copy = opened.copy()
    found = codecs.decode(codecs.encode(copy).read(), "image")
    assert found == copy
    assert found.info == copy.info
    assert found.info


def test_info_that_is_no_plain_data_is_refused():
    value = Image.new("L", (1, 1))
    value.info["maker"] = object()
    with pytest.raises(CodecError, match=r"its info cannot travel: its info\['maker'\] is a object"):
        codecs.encode(value)


def written(head, *arrays) -> bytes:
    sink = Sink(1 << 20)
    write_parts(sink, SCHEMA, head, list(arrays))
    return sink.finish()


PIXEL = np.zeros(1, "u1")
GOOD = {"mode": "L", "size": [1, 1], "info": {}}
HOSTILE = {
    "more pixels than bytes": written({**GOOD, "size": [50000, 50000]}, PIXEL),
    "no pixel of many": written({**GOOD, "size": [2**30, 2**30]}, np.zeros(0, "u1")),
    "negative": written({**GOOD, "size": [-1, 1]}, PIXEL),
    "size of text": written({**GOOD, "size": "11"}, PIXEL),
    "mode": written({**GOOD, "mode": "EVIL"}, PIXEL),
    "mode of list": written({**GOOD, "mode": ["L"]}, PIXEL),
    "info": written({**GOOD, "info": [1]}, PIXEL),
    "tag": written({**GOOD, "info": {"$": "os.system", "v": "true"}}, PIXEL),
    "palette": written({**GOOD, "mode": "P", "palette": {"mode": "X", "bytes": ""}}, PIXEL),
    "no pixels": written(GOOD),
    "other schema": json.dumps({"schema": "x", "arrays": 0}).encode() + b"\n",
    "endless line": b"{" * 100,
    "a real image file": b"\x89PNG\r\n\x1a\n" + b"\0" * 40,
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_head_that_lies_is_refused(name):
    with pytest.raises(CodecError, match="X cannot be read: "):
        codecs.decode(HOSTILE[name], "image", name="X")
