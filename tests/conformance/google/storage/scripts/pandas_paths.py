"""Cloud Storage as pandas uses it: ``gs://`` paths, which gcsfs opens, without one option.

Makes a few small objects below ``gs://$LAB_BUCKET/data``, and a bucket of its own that it removes (free).
"""

import os
import tempfile
import uuid

import gcsfs
import pandas as pd

root = os.environ["LAB_BUCKET"]
place = f"gs://{root}/data"
frame = pd.DataFrame({"number": range(1000), "text": [f"t{i}" for i in range(1000)]})

# frames go there and come back
for write, read, name in (
    (lambda p: frame.to_csv(p, index=False), pd.read_csv, "f.csv"),
    (lambda p: frame.to_csv(p, index=False), pd.read_csv, "f.csv.gz"),
    (frame.to_parquet, pd.read_parquet, "f.parquet"),
    (lambda p: frame.to_json(p, orient="records"), pd.read_json, "f.json"),
):
    write(f"{place}/{name}")
    pd.testing.assert_frame_equal(pd.DataFrame(read(f"{place}/{name}")), frame, check_dtype=False)

wide = pd.DataFrame({f"c{i}": range(50_000) for i in range(8)})
wide.to_parquet(f"{place}/wide.parquet", row_group_size=10_000)
assert list(pd.read_parquet(f"{place}/wide.parquet", columns=["c3"])["c3"][:3]) == [0, 1, 2]

try:
    pd.read_csv(f"{place}/absent.csv")
except FileNotFoundError:
    pass
else:
    raise AssertionError("an object that is not there was read")

# the file system beneath
files = gcsfs.GCSFileSystem()
files.pipe(f"{root}/d/small", b"abc")
big = os.urandom(6 * 1024 * 1024)
with files.open(f"{root}/d/big", "wb", block_size=5 * 1024 * 1024) as file:
    file.write(big)
assert files.cat_file(f"{root}/d/big", start=10, end=20) == big[10:20]
assert sorted(files.ls(f"{root}/d")) == [f"{root}/d/big", f"{root}/d/small"]
assert files.info(f"{root}/d/small")["size"] == 3
assert files.info(f"{root}/d")["type"] == "directory"
assert files.glob(f"{root}/**/s*") == [f"{root}/d/small"]
assert files.exists(f"{root}/absent") is False
files.cp(f"{root}/d/small", f"{root}/copy")
files.mv(f"{root}/copy", f"{root}/moved")
files.merge(f"{root}/merged", [f"{root}/moved", f"{root}/d/small"])
assert files.cat(f"{root}/merged") == b"abcabc"
files.setxattrs(f"{root}/merged", content_type="text/plain", owner="ada")
assert files.getxattr(f"{root}/merged", "owner") == "ada"
with tempfile.TemporaryDirectory() as folder:
    files.get(f"{root}/d/big", f"{folder}/big")
    with open(f"{folder}/big", "rb") as file:
        assert file.read() == big
files.rm(f"{root}/d", recursive=True)
assert {f"{root}/merged", f"{root}/moved"} <= set(files.find(root))
assert files.exists(f"{root}/d") is False

# a bucket is made and removed; the default names ACLs, of the project's own roles alone
name = f"lab-{uuid.uuid4().hex[:12]}"
files.mkdir(name)
files.touch(f"{name}/a")
files.rm(name, recursive=True)
assert files.exists(name) is False
