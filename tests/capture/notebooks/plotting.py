# %%
import matplotlib
matplotlib.use("Agg")
import matplotlib.pyplot as plt
import numpy as np
# %%
plt.rcParams["figure.figsize"] = (3, 2)
xs = np.linspace(0, 1, 20)
curves = {"a": xs, "b": xs**2}
# %%
_fig, _ax = plt.subplots()
for name, ys in curves.items():
    _ax.plot(xs, ys, label=name)
_ax.legend()
ends = [float(line.get_ydata()[-1]) for line in _ax.lines]
plt.close(_fig)
# %%
size = plt.figure().get_size_inches().tolist()
plt.close("all")
