# %%
from itertools import count, islice, takewhile
LIMIT = 30
# %%
def primes():
    found = []
    for n in count(2):
        if all(n % p for p in found):
            found.append(n)
            yield n
# %%
few = list(islice(primes(), 5))
below = list(takewhile(lambda p: p < LIMIT, primes()))
# %%
def batches(items, size):
    for at in range(0, len(items), size):
        yield items[at : at + size]

def averaged(items, size=2):
    return (sum(b) / len(b) for b in batches(items, size))
# %%
means = list(averaged(below, size=3))
# %%
def echo():
    got = yield "ready"
    while True:
        got = yield got * SCALE
SCALE = 2
# %%
talk = echo()
said = [next(talk), talk.send(1), talk.send(2)]
