# %%
import random
from statistics import mean, stdev
# %%
SEED, ROUNDS = 11, 200
def play(rng):
    return sum(rng.random() < 0.5 for _ in range(10))
# %%
rng = random.Random(SEED)
scores = [play(rng) for _ in range(ROUNDS)]
# %%
summary = {"mean": mean(scores), "sd": round(stdev(scores), 6)}
# %%
def bootstrap(values, n=20, seed=SEED):
    source = random.Random(seed)
    return sorted(mean(source.choices(values, k=len(values))) for _ in range(n))
# %%
low, high = bootstrap(scores)[1], bootstrap(scores)[-2]
