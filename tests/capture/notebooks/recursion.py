# %%
TREE = {"v": 1, "kids": [{"v": 2, "kids": []}, {"v": 3, "kids": [{"v": 4, "kids": []}]}]}
# %%
def depth(t):
    return 1 + max([depth(c) for c in t["kids"]], default=0)

def even(n): return n == 0 or odd(n - 1)
# %%
def odd(n): return n != 0 and even(n - 1)
# %%
d = depth(TREE)
parity = [even(i) for i in range(5)]
# %%
walk = lambda t: [t["v"]] + [x for c in t["kids"] for x in walk(c)]
# %%
values = walk(TREE)
# %%
def permutations(items):
    if len(items) <= 1:
        return [items]
    return [[x, *p] for i, x in enumerate(items) for p in permutations(items[:i] + items[i + 1 :])]
perms = permutations(values[:3])
