# %% refused
from math import *
radius = 2
# %% refused
area = pi * radius**2
# %%
doubled = radius * 2
# %% refused
def corner(a):
    return sqrt(a)
edge = corner(doubled)
# %% refused
from os.path import *
base = basename("/a/b")
# %%
import math
height = math.sqrt(doubled)
