"""Which codecs there are, in the order in which a value's type is looked at.

Owns the list: ours, and those that a team registers. Refuses two of one name, and a name that no
signature could hold.
"""

from __future__ import annotations

from typing import Any

from argovx_lab.codecs.arrays import Numpy, NumpyScalar
from argovx_lab.codecs.base import Codec
from argovx_lab.codecs.boosters import LightGBM, XGBoost
from argovx_lab.codecs.files import Path
from argovx_lab.codecs.functions import Function
from argovx_lab.codecs.images import Image
from argovx_lab.codecs.indexes import PandasIndex
from argovx_lab.codecs.models import Sklearn
from argovx_lab.codecs.plain import Bytes, Json, Text, inexact
from argovx_lab.codecs.polars import Polars
from argovx_lab.codecs.refusals import explain
from argovx_lab.codecs.sparse import Sparse
from argovx_lab.codecs.tables import Arrow, Pandas
from argovx_lab.codecs.tagged import Data
from argovx_lab.codecs.unsafe import Pickle
from argovx_lab.errors import CodecError

#: Ours, in the order in which a value's type is looked at.
BUILT_IN: tuple[Codec, ...] = (
    Text(),
    Bytes(),
    Json(),
    Data(),
    Path(),
    Numpy(),
    NumpyScalar(),
    Sparse(),
    Pandas(),
    PandasIndex(),
    Arrow(),
    Polars(),
    Image(),
    XGBoost(),
    LightGBM(),
    Sklearn(),
    Function(),
    Pickle(),
)


def codecs() -> tuple[Codec, ...]:
    """Return all codecs, in the order in which a value's type is looked at."""
    return BUILT_IN


def names() -> tuple[str, ...]:
    """Return the names of all codecs, as they may stand after a colon."""
    return tuple(codec.name for codec in codecs())


def get(name: str) -> Codec:
    """Return the codec called ``name``.

    Raises
    ------
    CodecError
        When there is none; the message lists those there are.
    """
    for codec in codecs():
        if codec.name == name:
            return codec
    raise CodecError("%.40r is not a codec" % name, hint="There are %s." % ", ".join(names()))


def detect(value: Any) -> Codec:
    """Return the codec for ``value`` by its type.

    Raises
    ------
    CodecError
        When no codec takes it; the message says why and what to do.
    """
    for codec in codecs():
        if codec.automatic and codec.accepts(value):
            # Looks the same by type: JSON when it is exact, else what tells the difference by tags.
            return get("data") if codec.name == "json" and inexact(value) else codec
    raise explain(value)
