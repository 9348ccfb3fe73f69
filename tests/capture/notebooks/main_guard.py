# %%
import sys
STEPS = 3
# %%
def main(argv=None):
    global outcome
    outcome = [s * 2 for s in range(STEPS)] + list(argv or [])
    return 0
# %%
if __name__ == "__main__":
    code = main(["x"])
    final = outcome
# %%
if __name__ != "__main__":
    raise SystemExit(3)
else:
    shown = len(final)
