# %%
def total():
    return sum(prices) + tax(prices)
# %%
prices = [10.0, 20.0]
def tax(values): return sum(values) * VAT
# %%
VAT = 0.1
# %%
before = total()
# %%
VAT = 0.2
after = total()
# %%
prices = [1.0]
def tax(values): return 0
final = total()
