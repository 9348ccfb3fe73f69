# %%
import pandas as pd
from functools import reduce
# %%
orders = pd.DataFrame({"who": list("abcab"), "n": range(5), "kind": ["x", "y", "x", "x", "y"]})
people = pd.DataFrame({"who": list("abc"), "name": ["Ann", "Bob", "Cy"]})
LOW = 1
# %%
def only_large(frame):
    return frame[frame.n > LOW]

def named(frame, other=people):
    return frame.merge(other, on="who")
# %%
large = orders.pipe(only_large).pipe(named)
# %%
steps = ["only_large", "named"]
table = large.assign(double=lambda f: f.n * 2).query("double > @LOW")
# %%
wide = pd.pivot_table(orders, index="who", columns="kind", values="n", aggfunc="sum", fill_value=0)
total = reduce(lambda a, b: a + b, orders.n.tolist(), LOW)
