# %%
big = list(range(1000))
keep, drop = 1, 2
table = {"a": 1, "b": 2, "c": 3}
# %%
head = big[:3]
del big, drop
# %%
del table["a"]
# %%
big = "new"
size = len(big) + keep
# %%
tmp = [v for v in table.values()]
total = sum(tmp)
del tmp
# %%
items = [1, 2, 3, 4]
del items[1:3]
copy = list(items)
