# %%
counter = 0
history = []
def tick(by=1):
    global counter
    counter += by
    history.append(counter)
    return counter
# %% told: history
first = tick()
# %%
tick(5)
tick(5)
now = counter
# %%
def averager():
    total, n = 0, 0
    def add(v):
        nonlocal total, n
        total, n = total + v, n + 1
        return total / n
    return add
# %%
add = averager()
means = [add(v) for v in (1, 2, 6)]
# %%
def setup():
    global ready, size
    ready, size = True, len(means)
setup()
state = (ready, size)
