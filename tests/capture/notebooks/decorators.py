# %%
import functools
import time
# %%
log = []
def traced(label):
    def wrap(f):
        @functools.wraps(f)
        def inner(*args, **kwargs):
            log.append((label, f.__name__))
            return f(*args, **kwargs)
        return inner
    return wrap
# %%
@traced("a")
def double(v):
    return v * RATE

@functools.lru_cache(maxsize=None)
def fib(n):
    return n if n < 2 else fib(n - 1) + fib(n - 2)

RATE = 2
# %% told: log
results = [double(i) for i in range(3)]
# %%
numbers = [fib(i) for i in range(15)]
# %%
@traced("b")
@functools.cache
def slow(v):
    return double(v) + fib(v)
x = slow(4)
