# %%
import numpy as np
import pandas as pd

rng = np.random.default_rng(4)
# %%
REGIONS = ["north", "south", "east"]
sales = pd.DataFrame({"region": rng.choice(REGIONS, 60), "units": rng.integers(1, 30, 60), "price": rng.random(60) * 10})
spare = np.zeros((400, 400))
# %%
sales["revenue"] = sales["units"] * sales["price"]
sales.loc[sales.units > 25, "price"] *= 0.9
# %%
by_region = sales.groupby("region")["revenue"].agg(["sum", "mean"])
best = by_region["sum"].idxmax()
# %%
share = {region: float(by_region.loc[region, "sum"] / by_region["sum"].sum()) for region in REGIONS}
text = f"{best}: {share[best]:.{2}f} of {len(sales):,}"
# %%
for column in ("units", "price"):
    print(column, sales[column].describe()["mean"])
top = sales.nlargest(5, "revenue")[["region", "revenue"]]
