# %%
ALPHA, BETA = 0.2, 0.8
UNUSED = list(range(3000))
# %%
def blend(a, b):
    return ALPHA * a + BETA * b
# %%
def fold(values):
    out = values[0]
    for v in values[1:]:
        out = blend(out, v)
    return out
# %%
def report(groups):
    return {k: round(fold(v), 6) for k, v in groups.items()}
# %%
groups = {"a": [1.0, 2.0, 3.0], "b": [5.0]}
# %%
done = report(groups)
# %%
ALPHA = 0.5
again = report(groups)
