# %%
import numpy as np
import pandas as pd
from datetime import datetime, timedelta
# %%
START = datetime(2024, 1, 1)
days = [START + timedelta(days=i) for i in range(30)]
series = pd.Series(np.sin(np.arange(30) / 3), index=pd.DatetimeIndex(days, name="day"))
# %%
WINDOW = 7
def smooth(s, window=None):
    return s.rolling(window or WINDOW, min_periods=1).mean()
# %%
weekly = smooth(series).resample("W").mean()
# %%
lags = pd.concat({f"lag{k}": series.shift(k) for k in range(1, 4)}, axis=1).dropna()
# %%
level = trend = 0.0
for value in series:
    before = level
    level = 0.5 * value + 0.5 * (level + trend)
    trend = 0.3 * (level - before) + 0.7 * trend
forecast = [level + h * trend for h in range(1, 4)]
# %%
ends = {"first": str(series.index[0].date()), "last": str(series.index[-1].date()), "forecast": forecast}
