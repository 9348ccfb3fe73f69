"""A look at the trees of a model before compiled code follows them.

A child that lies outside of its tree is read from memory that is not the model's, and a circle is never left.
So every node must be reached at most once, and every feature be one that the model says it has.
"""

from __future__ import annotations

import json
from typing import Any, Iterable

_FIELDS = ("left_children", "right_children", "split_indices", "split_conditions", "default_left")


def check_xgboost(model: bytes) -> None:
    """Look at a model in XGBoost's JSON; raises ``ValueError`` or ``KeyError``."""
    learner = json.loads(model.decode())["learner"]
    features = int(learner["learner_model_param"]["num_feature"])
    booster = learner["gradient_booster"]
    inner = booster.get("gbtree", booster)
    if "model" not in inner or "trees" not in inner["model"]:
        return  # linear: weights alone
    trees = inner["model"]["trees"]
    if len(inner["model"]["tree_info"]) != len(trees):
        raise ValueError("other numbers of trees")
    for tree in trees:
        _xgboost_tree(tree, features)


def _xgboost_tree(tree: Any, features: int) -> None:
    count = int(tree["tree_param"]["num_nodes"])
    lists = [tree[field] for field in _FIELDS]
    if count < 1 or any(len(items) != count for items in lists):
        raise ValueError("a tree of %d nodes has lists of other lengths" % count)
    left, right, features_of = lists[0], lists[1], lists[2]
    inner = [node for node in range(count) if left[node] != -1]
    _once([(left[node], right[node]) for node in inner], count, "tree")
    _features([features_of[node] for node in inner], features)


def check_lightgbm(text: str) -> None:
    """Look at a model in LightGBM's text; raises ``ValueError`` or ``KeyError``."""
    if not text.startswith("tree\n") or "end of trees" not in text:
        raise ValueError("no model, or one that is cut off")
    head, *trees = text.partition("end of trees")[0].split("\nTree=")
    features = int(_fields(head)["max_feature_idx"]) + 1
    for tree in trees:
        fields = _fields(tree)
        leaves = int(fields["num_leaves"])
        if leaves < 1 or len(fields["leaf_value"].split()) != leaves:
            raise ValueError("a tree of %d leaves has other values" % leaves)
        if leaves == 1:
            continue
        numbers = {
            name: [int(n) for n in fields[name].split()]
            for name in ("left_child", "right_child", "split_feature")
        }
        if any(len(items) != leaves - 1 for items in numbers.values()):
            raise ValueError("a tree of %d leaves has lists of other lengths" % leaves)
        both = zip(numbers["left_child"], numbers["right_child"])
        # inner nodes are numbered from 0, leaves from -1 downwards: as one row, leaves after inner nodes
        _once([tuple(n if n >= 0 else leaves - 2 - n for n in pair) for pair in both], 2 * leaves - 1, "tree")
        _features(numbers["split_feature"], features)


def _fields(text: str) -> dict[str, str]:
    return {name: value for name, _, value in (line.partition("=") for line in text.splitlines())}


def _once(children: Iterable[Any], count: int, what: str) -> None:
    seen = {0}
    for pair in children:
        for child in pair:
            if type(child) is not int or not 0 < child < count or child in seen:
                raise ValueError("a %s whose node %.20r is outside of it or there twice" % (what, child))
            seen.add(child)


def _features(found: Iterable[Any], features: int) -> None:
    for feature in found:
        if type(feature) is not int or not 0 <= feature < features:
            raise ValueError("a split by the feature %.20r of %d" % (feature, features))
