# %%
import os
import random
import numpy as np
# %%
random.seed(5)
np.random.seed(5)
os.environ["REPLAY_MODE"] = "quick"
# %% told: np random
drawn = np.random.rand(3)
picked = random.random()
# %% told: os
mode = os.environ.get("REPLAY_MODE", "none")
# %%
plain = os.path.join("a", "b")
