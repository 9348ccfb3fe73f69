# %%
import sys
FAST = True
data = [1, 2, 3]
# %%
if FAST:
    mode = "fast"
    def work(v): return v + 1
else:
    mode = "slow"
    def work(v): return v + 2
# %%
out = [work(v) for v in data]
# %%
if len(data) > 100:
    big = True
# %%
try:
    big
except NameError:
    big = False
# %%
for item in data:
    if item == 2:
        found = item
        break
else:
    found = None
# %%
if sys.platform == "none":
    import winreg as registry
else:
    registry = None
kind = "none" if registry is None else "some"
result = (mode, found, big)
