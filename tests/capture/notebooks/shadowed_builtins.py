# %%
list = [3, 1, 2]
max = 10
id = "r-7"
# %%
top = min(max, 20)
ordered = sorted(list)
# %%
def sum(values):
    out = 0
    for v in values:
        out += v * max
    return out
# %%
added = sum(list)
# %%
input = {"rows": 4}
label = f"{id}:{input['rows']}"
# %%
del max
biggest = max(list)
