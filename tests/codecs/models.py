"""Boosted trees and polars frames there and back, then damaged in many ways: a script for another environment."""

from __future__ import annotations

import json
import random
import sys
import warnings

import lightgbm as lgb
import numpy as np
import polars as pl
import xgboost as xgb

from argovx_lab import codecs
from argovx_lab.errors import CodecError

X = np.random.default_rng(0).normal(size=(100, 3))
Y = (X[:, 0] > 0).astype(int)
DAMAGES = 2


def values():
    """Return the values and, for each, what must be the same of it."""
    booster = xgb.train({"max_depth": 2, "objective": "binary:logistic"}, xgb.DMatrix(X, Y), 3)
    booster.set_attr(note="ü")
    classifier = xgb.XGBClassifier(n_estimators=3).fit(X, Y, eval_set=[(X, Y)], verbose=False)
    regressor = xgb.XGBRegressor(n_estimators=3, booster="gblinear").fit(X, Y)
    light = lgb.train({"verbose": -1, "objective": "binary"}, lgb.Dataset(X, Y), 3)
    frame = pl.DataFrame(
        {"a": [1, None], "c": ["x", "y"], "l": [[1], []], "s": [{"k": 1}, None]}
    ).with_columns(
        pl.col("c").cast(pl.Categorical).alias("k"), pl.col("c").cast(pl.Enum(["y", "x"])).alias("e")
    )
    yield booster, lambda m: [m.predict(xgb.DMatrix(X)).tolist(), m.attributes(), m.save_config()]
    yield (
        classifier,
        lambda m: [m.predict_proba(X).tolist(), repr(m.get_params()), m.evals_result(), m.classes_.tolist()],
    )
    yield regressor, lambda m: [m.predict(X).tolist(), repr(m.get_params())]
    yield xgb.XGBClassifier(max_depth=3), lambda m: repr(m.get_params())
    yield light, lambda m: [m.predict(X).tolist(), m.params, m.best_iteration]
    yield frame, lambda f: [repr(f.schema), f.rows()]
    yield pl.Series("q", [1.5, None]), lambda s: [s.name, repr(s.dtype), s.to_list()]


REFUSED = [
    (xgb.XGBRegressor(objective=lambda y, p: (p - y, y)), "parameters"),
    (lgb.LGBMClassifier(), "boosters only"),
    (pl.DataFrame({"o": [object()]}), "polars"),
    (pl.DataFrame({"a": [1]}).lazy(), "LazyFrame"),
]


def damaged(data: bytes, rng: random.Random) -> bytes:
    """Return the bytes with a part cut off or some changed; a changed digit of a tree is the likeliest."""
    if rng.random() < 0.3:
        return data[: rng.randrange(len(data))]
    digits = [n for n, byte in enumerate(data) if 48 <= byte <= 57]
    found = bytearray(data)
    for _ in range(rng.randrange(1, 6)):
        place = rng.choice(digits) if digits and rng.random() < 0.7 else rng.randrange(len(data))
        found[place] = rng.choice(b"0123456789-\x00\xff")
    return bytes(found)


def main() -> None:
    """Print how many were exact and refused; a crash of compiled code ends the process."""
    warnings.simplefilter("ignore")  # damaged versions are told of in warnings
    rng, exact, refused = random.Random(7), 0, 0
    for value, about in values():
        encoded = codecs.encode(value)
        data = encoded.read()
        found = codecs.decode(data, encoded.codec)
        assert type(found) is type(value)
        assert about(found) == about(value), encoded.codec
        assert codecs.encode(found).digest == encoded.digest, encoded.codec
        exact += 1
        for _ in range(DAMAGES):
            try:
                codecs.decode(damaged(data, rng), encoded.codec)
            except CodecError:
                refused += 1
    for value, words in REFUSED:
        try:
            codecs.encode(value)
        except CodecError as error:
            told = error.message
        else:
            told = "it was written"
        assert words in told, told
    sys.stdout.write(json.dumps({"exact": exact, "refused": refused}))


if __name__ == "__main__":
    sys.exit(main())
