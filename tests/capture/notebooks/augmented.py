# %%
total, parts, seen = 0, [], set()
weights = {"a": 1.0, "b": 2.0}
# %%
total += 5
parts += ["x"]
seen |= {1, 2}
# %%
weights["a"] *= 3
weights["c"] = weights.get("c", 0) + 1
# %%
for n in range(3):
    total += n
    parts.append(n)
# %%
import numpy as np
vector = np.zeros(3)
vector += total
vector[0] -= 1
# %%
norm = float(abs(vector).sum())
first, *middle, last = parts
