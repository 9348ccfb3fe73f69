# %%
import numpy as np
import pandas as pd
df = pd.DataFrame({"x": [1, 2, 3]})
model = {"weights": [0, 0], "meta": {"n": 0}}
# %%
df["y"] = df.x ** 2
df.loc[0, "x"] = 100
# %%
df.index = list("abc")
df.columns = [c.upper() for c in df]
# %%
model["meta"]["n"] += 1
model["weights"][0] = 9
# %%
a = np.arange(6).reshape(2, 3)
b = a.copy()
b[b > 2] = 0
a[...] = 1
# %%
queue = [3, 1, 2]
queue.sort()
queue.append(7)
# %% told: queue
last = queue.pop()
# %%
def zero(frame, value=0):
    frame["X"] = value
# %% told: df
zero(df)
