# %%
class Point:
    def __init__(self, x):
        self.x = x
# %%
SHIFT = 5
def moved(self):
    return self.x + SHIFT

Point.moved = moved
Point.unit = "cm"
# %%
a = Point(1).moved()
# %%
import statistics
statistics.twice = lambda values: [v * 2 for v in values]
# %%
b = statistics.twice([1, 2])
# %%
def helper():
    return helper.calls
helper.calls = 3
# %%
c = helper()
label = f"{a}{Point.unit}"
