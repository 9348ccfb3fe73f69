"""Which codecs there are, in the order in which a value's type is looked at.

Owns the list: ours, and those that a team registers. Refuses two of one name, and a name that no
signature could hold.
"""

from __future__ import annotations

from typing import Any

from argovx_lab.codecs import team
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

#: How many of ours take a value by its very type, before a team's own are asked.
_PLAIN = 3

#: What stands in the place of a codec's name.
_WORDS = ("auto",)


def codecs() -> tuple[Codec, ...]:
    """Return all codecs, in the order in which a value's type is looked at."""
    return (*BUILT_IN[:_PLAIN], *team.registered(), *BUILT_IN[_PLAIN:])


def names() -> tuple[str, ...]:
    """Return the names of all codecs, as they may stand after a colon."""
    return (*(codec.name for codec in BUILT_IN), *team.known_words())


def get(name: str) -> Codec:
    """Return the codec called ``name``: one of ours, or a team's by ``name`` or ``name@version``.

    Raises
    ------
    NotDefinedHere
        When a team's own is not registered here.
    CodecError
        When there is none; the message lists those there are.
    """
    for codec in BUILT_IN:
        if codec.name == name:
            return codec
    found = team.find(name)
    if found is not None:
        return found
    if "@" in name and team.ID.match(name):
        raise team.absent(name)
    raise CodecError("%.40r is not a codec" % name, hint="There are %s." % ", ".join(names()))


def detect(value: Any) -> Codec:
    """Return the codec for ``value`` by its type.

    Raises
    ------
    CodecError
        When no codec takes it; the message says why and what to do.
    """
    for codec in BUILT_IN[:_PLAIN]:
        if codec.accepts(value):
            # Looks the same by type: JSON when it is exact, else what tells the difference by tags.
            return get("data") if codec.name == "json" and inexact(value) else codec
    team.all_of_packages()
    for codec in codecs()[_PLAIN:]:
        if codec.automatic and codec.accepts(value):
            return codec
    raise explain(value)


def register(kind: Any) -> Any:
    """Register a team's own codec, and return its class: also as a decorator.

    Raises
    ------
    CodecError
        When it is no codec, or has the name of one of ours.
    """
    if getattr(kind, "name", None) in (*(codec.name for codec in BUILT_IN), *_WORDS):
        raise CodecError("%r is a codec of argovx-lab" % kind.name, hint="Give yours another name.")
    return team.register(kind)
