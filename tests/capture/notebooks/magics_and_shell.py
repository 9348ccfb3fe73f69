# %% refused
%matplotlib inline
import math
answer = 42
# %% refused
!echo hello
files = !echo a b
# %%
%%time
root = math.sqrt(answer)
# %% refused
%%bash
echo nothing of Python here
# %% refused
%timeit -n1 -r1 answer + 1
# %%
rounded = round(root, 3)
text = """
%not a magic
!nor this
"""
# %% refused
answer?
# %%
def scaled(v): return v % answer
rest = scaled(
    100
    %7)
