# %%
from itertools import product

import numpy as np
from sklearn.linear_model import Ridge
# %%
X = np.arange(40.0).reshape(20, 2) % 7
y = X @ np.array([2.0, -1.0]) + 0.5
unused_frame = np.ones(5000)
# %%
GRID = {"alpha": [0.1, 1.0], "fit_intercept": [True, False]}
def error(model):
    return float(np.abs(model.predict(X) - y).mean())
# %%
results = []
for values in product(*GRID.values()):
    options = dict(zip(GRID, values))
    results.append((error(Ridge(**options).fit(X, y)), options))
# %%
best_error, best_options = min(results, key=lambda pair: pair[0])
# %%
final = Ridge(**best_options).fit(X, y)
weights = {f"w{i}": round(float(w), 6) for i, w in enumerate(final.coef_)}
