"""Installs the packages of a python_package_spec and becomes ``python -m MODULE ARGS…``.

It is handed as text to the interpreter that stands for the executor image, so it is standard library only and
reads nothing of this package: ``python -c SOURCE URIS MODULE ARGS…``, where URIS is a JSON list of gs://
names. The packages are read with the job's own identity from its metadata server, unpacked beside the job's
home, and found through PYTHONPATH. Nothing is built and nothing is downloaded from a package index: what a
package requires must be in the interpreter already, and what is missing ends the job as pip would.
"""

import importlib.metadata
import io
import json
import os
import re
import sys
import tarfile
import urllib.error
import urllib.parse
import urllib.request
import zipfile


def token() -> str:
    """Return an access token of the job's service account."""
    host = os.environ["GCE_METADATA_HOST"]
    url = "http://" + host + "/computeMetadata/v1/instance/service-accounts/default/token"
    request = urllib.request.Request(url, headers={"Metadata-Flavor": "Google"})
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=30) as answer:
        return str(json.load(answer)["access_token"])


def fetch(uri: str, bearer: str) -> bytes:
    """Return the bytes of an object."""
    bucket, _, name = uri[len("gs://") :].partition("/")
    path = f"b/{urllib.parse.quote(bucket, safe='')}/o/{urllib.parse.quote(name, safe='')}"
    url = f"https://storage.googleapis.com/storage/v1/{path}?alt=media"
    request = urllib.request.Request(url, headers={"Authorization": "Bearer " + bearer})
    try:
        with urllib.request.urlopen(request, timeout=600) as answer:  # noqa: S310
            return bytes(answer.read())
    except urllib.error.HTTPError as error:
        sys.exit(f"ERROR: {uri} cannot be read: HTTP {error.code}")


def unpack(uri: str, data: bytes, folder: str) -> str:
    """Unpack an sdist or wheel into ``folder``; return where its modules are."""
    if uri.endswith((".whl", ".zip")):
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            archive.extractall(folder)  # noqa: S202  the job's own package
    elif uri.endswith((".tar.gz", ".tgz")):
        with tarfile.open(fileobj=io.BytesIO(data)) as archive:
            archive.extractall(folder, filter="data")
    else:
        sys.exit(f"ERROR: {uri} is neither an sdist (.tar.gz) nor a wheel")
    if uri.endswith(".whl"):
        return folder
    tops = [os.path.join(folder, name) for name in os.listdir(folder)]
    top = tops[0] if len(tops) == 1 and os.path.isdir(tops[0]) else folder
    return os.path.join(top, "src") if os.path.isdir(os.path.join(top, "src")) else top


def required(folder: str) -> list[str]:
    """Return the names of the distributions that an unpacked package needs."""
    found: list[str] = []
    for place, _, files in os.walk(folder):
        for name in files:
            if name not in ("PKG-INFO", "METADATA", "requires.txt"):
                continue
            with open(os.path.join(place, name), encoding="utf-8") as file:
                text = file.read()
            if name == "requires.txt":
                lines = text.partition("\n[")[0].splitlines()
            else:
                lines = re.findall(r"^Requires-Dist: (.+)$", text, re.MULTILINE)
            found += [line.strip() for line in lines if line.strip() and "extra ==" not in line]
    return sorted(set(found))


def main() -> None:
    """Install, check, and run."""
    uris, module, args = json.loads(sys.argv[1]), sys.argv[2], sys.argv[3:]
    base = os.path.join(os.path.expanduser("~"), ".packages")
    bearer = token()
    places: list[str] = []
    for number, uri in enumerate(uris):
        sys.stdout.write(f"Installing collected packages: {uri}\n")
        folder = os.path.join(base, str(number))
        os.makedirs(folder)
        places.append(unpack(uri, fetch(uri, bearer), folder))
        for requirement in required(folder):
            name = re.split(r"[^A-Za-z0-9._-]", requirement)[0]
            try:
                importlib.metadata.version(name)
            except importlib.metadata.PackageNotFoundError:
                sys.exit(
                    f"ERROR: No matching distribution found for {requirement}. The sandbox installs nothing "
                    f"from an index: install it into {sys.executable}."
                )
    before = [os.environ["PYTHONPATH"]] if os.environ.get("PYTHONPATH") else []
    os.environ["PYTHONPATH"] = os.pathsep.join(places + before)
    sys.stdout.write("Running command: python3 -m " + " ".join([module, *args]) + "\n")
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", module, *args])  # noqa: S606  no shell is the point


main()
