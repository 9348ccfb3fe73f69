# %%
import contextlib
import io
import os
import tempfile
# %%
events = []
@contextlib.contextmanager
def stage(name):
    events.append(f"+{name}")
    try:
        yield name.upper()
    finally:
        events.append(f"-{name}")

class Muted:
    def __enter__(self):
        self.out = io.StringIO()
        self._to = contextlib.redirect_stdout(self.out)
        self._to.__enter__()
        return self

    def __exit__(self, *error):
        return self._to.__exit__(*error)
# %%
with stage("load") as label, Muted() as muted:
    print("inside", label)
said = muted.out.getvalue()
# %%
with tempfile.TemporaryDirectory() as folder:
    _path = os.path.join(folder, "a.txt")
    with open(_path, "w") as f:
        f.write(said)
    with open(_path) as f:
        back = f.read()
# %%
with contextlib.suppress(KeyError):
    {}["x"]
    never = 1
size = len(back)
