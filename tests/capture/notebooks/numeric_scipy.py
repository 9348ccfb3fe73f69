# %%
import numpy as np
from scipy import optimize, sparse
# %%
target = np.array([1.0, -2.0])
def loss(w, pull=0.01):
    return float(((w - target) ** 2).sum() + pull * penalty(w))
def penalty(w): return np.abs(w).sum()
# %%
found = optimize.minimize(loss, np.zeros(2), method="Nelder-Mead", options={"maxiter": 60})
w = np.round(found.x, 2)
# %%
A = sparse.csr_matrix(np.eye(3) * 2)
v = A @ np.ones(3)
# %%
roots = [round(float(optimize.brentq(lambda x, c=c: x**2 - c, 0, 10)), 6) for c in (2, 9)]
