# %%
from collections import namedtuple
from typing import NamedTuple, TypedDict
# %%
Pair = namedtuple("Pair", "left right")
class Row(NamedTuple):
    key: str
    n: int = 0
class Info(TypedDict):
    name: str
# %%
pairs = [tuple(Pair(i, i * i)) for i in range(3)]
# %%
rows = {Row("a").key: Row("b", 2).n}
info: Info = {"name": "x"}
# %%
def widest(items: "list[Pair]") -> Pair:
    return max((Pair(*p) for p in items), key=lambda p: p.right - p.left)
# %%
best = widest(pairs).right
