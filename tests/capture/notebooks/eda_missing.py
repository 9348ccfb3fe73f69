# %%
import pandas as pd

raw = pd.DataFrame({"age": [31, None, 45, 28], "city": ["Bern", None, "Basel", "Bern"], "pay": [5.0, 6.5, None, 4.0]})
# %%
def fill(frame, column, how="median"):
    if how == "median":
        return frame[column].fillna(frame[column].median())
    return frame[column].fillna(UNKNOWN)

UNKNOWN = "?"
# %%
clean = raw.copy()
clean["age"] = fill(clean, "age")
clean["city"] = fill(clean, "city", how="word")
# %%
missing = raw.isna().sum().to_dict()
rows = [(row.age, row.city) for row in clean.itertuples() if row.city != UNKNOWN]
# %%
clean.drop(columns=["pay"], inplace=True)
# %%
counts = clean["city"].value_counts().sort_index()
summary = clean.describe(include="all").loc["count"].astype(int)
