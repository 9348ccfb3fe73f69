"""ResourceQuotas count objects; what cannot be counted is refused by name."""

from __future__ import annotations

import pytest

from argovx_lab.sandbox.kubernetes.delete_options import DeleteOptions
from argovx_lab.sandbox.kubernetes.interface import ApiError
from argovx_lab.sandbox.kubernetes.kinds import BY_ID

QUOTA, CONFIG = BY_ID["resourcequotas"], BY_ID["configmaps"]


def quota(registry, **hard):
    hard = {key.replace("__", "/"): value for key, value in hard.items()}
    return registry.create(QUOTA, "ns", {"metadata": {"name": "q"}, "spec": {"hard": hard}})


def config(registry, name):
    return registry.create(CONFIG, "ns", {"metadata": {"name": name}})


def used(registry):
    return registry.get(QUOTA, "ns", "q").object()["status"]["used"]


def test_the_one_too_many_is_refused_and_room_comes_back(registry):
    quota(registry, count__configmaps=2)
    config(registry, "a")
    config(registry, "b")
    assert used(registry) == {"count/configmaps": "2"}
    with pytest.raises(
        ApiError, match="exceeded quota: q, requested: count/configmaps=1, used: count/configmaps=2"
    ):
        config(registry, "c")
    registry.delete(CONFIG, "ns", "a", DeleteOptions())
    assert used(registry) == {"count/configmaps": "1"}
    config(registry, "c")


@pytest.mark.parametrize(
    ("key", "value"), [("requests.cpu", "1"), ("count/imagined", "1"), ("pods", "many"), ("services", "2")]
)
def test_what_cannot_be_counted(registry, key, value):
    with pytest.raises(ApiError) as caught:
        registry.create(QUOTA, "ns", {"metadata": {"name": "q"}, "spec": {"hard": {key: value}}})
    assert caught.value.code == 422
    assert key in caught.value.message
