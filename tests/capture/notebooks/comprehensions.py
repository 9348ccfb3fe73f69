# %%
rows = [[1, 2, 3], [4, 5], []]
k, i = 10, "kept"
# %%
flat = [v for row in rows for v in row]
square = {v: v * k for v in flat if v % 2}
# %%
nested = [[v + len(r) for v in r] for r in rows]
unique = {len(r) for r in rows}
total = sum(v for v in flat)
# %%
grid = [(a, b, c) for a in range(3) if (b := a * k) for c in (1, 2)]
after = (i, k)
# %%
matrix = [[row[c] for row in rows if len(row) > c] for c in range(3)]
any_big = any(v > limit for v in flat for limit in [4])
