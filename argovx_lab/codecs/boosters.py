"""Codecs of boosted trees: `xgboost` and `lightgbm`, in the text formats of the libraries' own.

The trees are looked at, and read by a process of their own first, before compiled code gets them here: it
crashes on damaged ones. Refuses custom objectives and callbacks, which are code, and LightGBM's scikit-learn
classes, which its format does not hold.

Source: https://xgboost.readthedocs.io/en/stable/tutorials/saving_model.html
"""

from __future__ import annotations

import json
import sys
from typing import IO, Any

from argovx_lab.codecs.base import Codec, Sink, need, root_module, type_name
from argovx_lab.codecs.parts import read_line, write_line
from argovx_lab.codecs.tagged import BROKEN, pack, unpack
from argovx_lab.codecs.trees import check_lightgbm, check_xgboost
from argovx_lab.codecs.trial import try_model
from argovx_lab.errors import CodecError

_XGBOOST = "argovx.xgboost/1"
_LIGHTGBM = "argovx.lightgbm/1"

_CLASSES = ("XGBModel", "XGBClassifier", "XGBRegressor", "XGBRanker", "XGBRFClassifier", "XGBRFRegressor")

#: What fitting adds to one of these beside the booster, as plain data.
_FITTED = ("n_classes_", "evals_result_")


class XGBoost(Codec):
    """An XGBoost booster or estimator."""

    name = "xgboost"
    about = (
        "`xgboost.Booster`, `XGBClassifier` and its kin",
        "a line of JSON with parameters, and XGBoost's own JSON",
        "custom objectives and callbacks, subclasses",
    )

    def accepts(self, value: Any) -> bool:
        """Accept boosters and estimators of XGBoost's own classes."""
        library = sys.modules.get("xgboost")
        return library is not None and _is_own(value, "xgboost", ("Booster", *_CLASSES))

    def summary(self, value: Any) -> str:
        """Return the class."""
        return "%s (XGBoost)" % type(value).__name__

    def write(self, value: Any, sink: Sink) -> None:
        """Write head and model, after a look at what comes back."""
        if not self.accepts(value):
            raise CodecError("it is a %s, not a model of XGBoost" % type_name(value))
        head: dict[str, Any] = {"schema": _XGBOOST, "class": type(value).__name__}
        booster = value
        if head["class"] != "Booster":
            head["params"] = pack(value.get_params(), "its parameters")
            more = {k: v for k, v in vars(value).items() if k not in value.get_params() and k != "_Booster"}
            odd = sorted(set(more) - set(_FITTED) - {"kwargs"})
            if odd:
                raise CodecError(
                    "it has attributes of its own (%s)" % ", ".join(odd), hint="Pass .get_booster() of it."
                )
            head["fitted"] = pack(
                {k: _plain(v) for k, v in more.items() if k in _FITTED}, "what fitting left"
            )
            booster = vars(value).get("_Booster")
        model = b""
        if booster is not None:
            model = bytes(booster.save_raw("json"))
            head["config"] = booster.save_config()
        head["size"] = len(model)
        write_line(sink, head)
        sink.write(model)
        if model and bytes(_booster(model, head).save_raw("json")) != model:
            raise CodecError("XGBoost would give back another model", hint="Pass its parameters and data.")

    def load(self, source: IO[bytes]) -> Any:
        """Read head and model; the trees are looked at first."""
        xgboost = need("xgboost")
        head = read_line(source, _XGBOOST)
        try:
            model = source.read()
            if head["size"] != len(model) or head["class"] not in ("Booster", *_CLASSES):
                raise ValueError("size or class")
            if model:
                check_xgboost(model)
                try_model("xgboost", model)
            if head["class"] == "Booster":
                return _booster(model, head)
            made = getattr(xgboost, head["class"])(**unpack(head["params"]))
            if model:
                vars(made)["_Booster"] = _booster(model, head)  # load_model would change the parameters
            vars(made).update({k: v for k, v in unpack(head["fitted"]).items() if k in _FITTED})
            return made
        except (*BROKEN, xgboost.core.XGBoostError) as error:
            raise CodecError(
                "the bytes are not a model of XGBoost: %.160s" % " ".join(str(error).split()),
                hint="Use the XGBoost that wrote it.",
            ) from error


class LightGBM(Codec):
    """A LightGBM booster."""

    name = "lightgbm"
    about = (
        "`lightgbm.Booster`",
        "a line of JSON and LightGBM's own text",
        "`LGBMClassifier` and its kin: `.booster_` travels",
    )

    def accepts(self, value: Any) -> bool:
        """Accept LightGBM's own classes; `write` tells estimators what to do."""
        library = sys.modules.get("lightgbm")
        return library is not None and isinstance(value, (library.Booster, library.LGBMModel))

    def summary(self, value: Any) -> str:
        """Return the class."""
        return "%s (LightGBM)" % type(value).__name__

    def write(self, value: Any, sink: Sink) -> None:
        """Write head and model, after a look at what comes back."""
        if not self.accepts(value) or not _is_own(value, "lightgbm", ("Booster",)):
            raise CodecError(
                "it is a %s, and LightGBM writes boosters only" % type_name(value),
                hint="Pass .booster_ of it.",
            )
        text = value.model_to_string(num_iteration=-1)
        head = {"schema": _LIGHTGBM, "params": pack(value.params, "its parameters")}
        head["best"] = [int(value.best_iteration), pack(_plain(value.best_score), "its scores")]
        head["size"] = len(text.encode())
        write_line(sink, head)
        sink.write(text.encode())
        if _lightgbm(head, text).model_to_string(num_iteration=-1) != text:
            raise CodecError("LightGBM would give back another model", hint="Pass its parameters and data.")

    def load(self, source: IO[bytes]) -> Any:
        """Read head and model; the trees are looked at first."""
        lightgbm = need("lightgbm")
        head = read_line(source, _LIGHTGBM)
        try:
            data = source.read()
            if head["size"] != len(data):
                raise ValueError("size")
            text = data.decode()
            check_lightgbm(text)
            try_model("lightgbm", data)
            return _lightgbm(head, text)
        except (*BROKEN, lightgbm.basic.LightGBMError) as error:
            raise CodecError(
                "the bytes are not a model of LightGBM: %.160s" % " ".join(str(error).split()),
                hint="Use the LightGBM that wrote it.",
            ) from error


def _booster(model: bytes, head: dict[str, Any]) -> Any:
    xgboost = need("xgboost")
    made = xgboost.Booster()
    if model:
        made.load_model(bytearray(model))
        made.load_config(str(head["config"]))
    return made


def _lightgbm(head: dict[str, Any], text: str) -> Any:
    made = need("lightgbm").Booster(model_str=text)
    made.params = unpack(head["params"])
    made.best_iteration, made.best_score = head["best"][0], unpack(head["best"][1])
    return made


def _is_own(value: Any, library: str, names: tuple[str, ...]) -> bool:
    return type(value).__name__ in names and root_module(value) == library


def _plain(value: Any) -> Any:
    """Return dicts of any class as dicts: the libraries count scores in their own."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return json.loads(json.dumps(value)) if isinstance(value, list) else value
