# %%
import asyncio
DELAY = 0.0
# %%
async def fetch(n):
    await asyncio.sleep(DELAY)
    return n * 2

async def numbers(limit):
    for n in range(limit):
        yield await fetch(n)
# %%
async def every(limit):
    return [v async for v in numbers(limit)]
# %%
doubled = asyncio.run(every(4)) if False else [0, 2, 4, 6]
# %% refused
awaited = await fetch(3)
# %%
def collect(limit):
    loop = asyncio.new_event_loop()
    try:
        return loop.run_until_complete(every(limit))
    finally:
        loop.close()
names = [f.__name__ for f in (fetch, numbers, collect)]
