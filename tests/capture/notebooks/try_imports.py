# %%
try:
    import ujson_that_is_not_there as fast_json
except ImportError:
    import json as fast_json

try:
    from tomllib import loads as toml
    HAVE = True
except ImportError:
    toml, HAVE = None, False
# %%
raw = '{"a": [1, 2]}'
# %%
data = fast_json.loads(raw)
# %%
parsed = toml("x = 1") if HAVE else {}
# %%
def read(text):
    try:
        value = fast_json.loads(text)
    except ValueError as error:
        return type(error).__name__
    else:
        return value
    finally:
        pass
# %%
good, bad = read(raw), read("{")
