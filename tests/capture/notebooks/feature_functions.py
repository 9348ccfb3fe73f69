# %%
import pandas as pd
HOLIDAYS = {"2024-01-01", "2024-12-25"}
FEATURES = {}
def feature(f):
    FEATURES[f.__name__] = f
    return f
# %%
@feature
def weekday(frame): return frame["day"].dt.dayofweek
@feature
def holiday(frame): return frame["day"].dt.strftime("%Y-%m-%d").isin(HOLIDAYS)
# %%
frame = pd.DataFrame({"day": pd.to_datetime(["2024-01-01", "2024-01-06"])})
# %%
one = weekday(frame).tolist()
# %%
names = ["weekday", "holiday"]
table = pd.DataFrame({n: {"weekday": weekday, "holiday": holiday}[n](frame) for n in names})
