# %%
width, digits, name = 12, 2, "pi"
values = {"pi": 3.14159, "e": 2.71828}
# %%
line = f"{name:>{width}} = {values[name]:.{digits}f}"
# %%
def quote(v): return f"<{v!r}>"
rows = [f"{k}{'!' * n}" for n, k in enumerate(values)]
# %%
nested = f"{', '.join(f'{quote(k)}={v:{width}.{digits}f}' for k, v in values.items())}"
# %%
debug = f"{width=} {digits + 1=}"
both = f"{(lambda w: w * 2)(width)} {[c for c in name]}"
