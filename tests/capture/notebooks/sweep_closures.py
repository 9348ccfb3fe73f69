# %%
import math
BASE = 0.1
# %%
def schedule(decay):
    step = 0
    def rate():
        nonlocal step
        step += 1
        return BASE * math.exp(-decay * step)
    return rate
# %%
rates = []
for decay in [0.1, 0.5]:
    rate = schedule(decay)
    rates.append([rate() for _ in range(3)])
# %%
def run(decay, steps=3, *, seed=0):
    value, rate = 1.0 + seed, schedule(decay)
    while steps > 0:
        value -= rate() * value
        steps -= 1
    return value
# %%
trials = {(d, s): run(d, seed=s) for d in (0.1, 0.2) for s in range(2)}
best = min(trials, key=trials.get)
# %%
table = [dict(decay=d, seed=s, value=round(v, 6)) for (d, s), v in trials.items()]
