# %%
SCALE = 3
factors = [1, 2, 3]
# %%
times = [(lambda x, f=f: x * f * SCALE) for f in factors]
values = [g(2) for g in times]
# %%
late = [lambda x: x + f2 for f2 in factors]
same = {g(0) for g in late}
# %%
def build(n=len(factors), pick=lambda v: v[0]):
    return pick(factors) + n
# %%
built = build()
factors2 = factors + [9]
# %%
ordered = sorted(factors2, key=lambda v: -v % SCALE)
