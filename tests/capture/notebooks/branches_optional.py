# %%
config = {"debug": False}
values = [4, 5]
# %%
if config["debug"]:
    scale = 100
elif values:
    scale = 2
# %%
scaled = [v * scale for v in values]
# %% idle: values
extra = values if config["debug"] else []
# %%
if "extra_name" in dir():
    pass
while values and len(values) < 5:
    step = values[-1] + 1
    values = values + [step]
last = step
