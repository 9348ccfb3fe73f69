# %%
import numpy as np
# %%
pixels = np.arange(36.0).reshape(6, 6)
KERNELS = {"box": np.ones((3, 3)) / 9, "edge": np.array([[0, 1, 0], [1, -4, 1], [0, 1, 0]])}
# %%
def convolve(a, kernel):
    def at(i, j):
        return float((a[i : i + k, j : j + k] * kernel).sum())

    k = kernel.shape[0]
    n = a.shape[0] - k + 1
    return np.array([[at(i, j) for j in range(n)] for i in range(n)])
# %%
filtered = {name: convolve(pixels, kernel) for name, kernel in KERNELS.items()}
# %%
flat = bool(np.allclose(filtered["edge"], 0))
assert flat, "a plane has no edges"
