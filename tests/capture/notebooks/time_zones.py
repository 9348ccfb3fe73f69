# %%
import pandas as pd
from zoneinfo import ZoneInfo
ZONE = "Europe/Zurich"
# %%
stamps = pd.date_range("2024-03-30", periods=4, freq="12h", tz="UTC")
# %%
local = stamps.tz_convert(ZoneInfo(ZONE))
hours = [t.hour for t in local]
# %%
def shift(times, *, hours=1, zone=ZONE):
    return (times + pd.Timedelta(hours=hours)).tz_convert(zone)
# %%
later = shift(stamps, hours=3)
gap = (later[-1] - stamps[0]).total_seconds()
