"""Where everything lies in the bucket: pure paths, one function per kind of object.

Owns the storage layout. Everything but alias files and checkpoints is created with
``ifGenerationMatch=0``; refuses path segments that could leave their folder.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass

from argovx_lab.errors import SpecError

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._\[\]():,-]{0,252}\Z", re.ASCII)


def _segment(text: str) -> str:
    if not _SEGMENT.match(text) or ".." in text:
        raise SpecError(
            f"{text!r} cannot be a folder name in the bucket", hint="Use letters, digits, '-', '_' or '.'."
        )
    return text


@dataclass(frozen=True)
class Layout:
    """Paths below one user's folder.

    Parameters
    ----------
    bucket : str
        Bucket name, without ``gs://``.
    user : str
        Slug of the user.
    prefix : str
        Folder inside the bucket under which argovx-lab works; may be empty.
    """

    bucket: str
    user: str
    prefix: str = ""

    @property
    def root(self) -> str:
        """The user's managed folder, with its closing slash."""
        head = f"{self.prefix.strip('/')}/" if self.prefix.strip("/") else ""
        return f"{head}users/{_segment(self.user)}/"

    def uri(self, name: str) -> str:
        """Return ``gs://bucket/name``."""
        return f"gs://{self.bucket}/{name}"

    def object(self, digest: str) -> str:
        """Return the name of immutable content with this SHA-256 (hexadecimal)."""
        return f"{self.root}objects/sha256/{digest[:2]}/{digest}"

    def current_run(self, notebook_path: str) -> str:
        """Return the name of the alias file that remembers a notebook's current run."""
        return f"{self.root}notebooks/{hashlib.sha256(notebook_path.encode()).hexdigest()[:32]}/current-run"

    def here(self, run: str) -> str:
        """Return the folder of the records of what ran on the user's own machine, with its closing slash."""
        return f"{self.root}here/{_segment(run)}/"

    @property
    def turns(self) -> str:
        """The folder of the places of create calls, with its closing slash."""
        return f"{self.root}turns/"

    def turn(self, number: int) -> str:
        """Return the name of one place; names sort as numbers do."""
        return f"{self.turns}{number:014d}"

    def attempt(self, workflow_uid: str, task: str, ordinal: int, key: str) -> Attempt:
        """Return the folder of one attempt of a task."""
        folder = f"{ordinal}-{key[:8]}"
        return Attempt(self.bucket, f"{self.root}runs/{_segment(workflow_uid)}/{_segment(task)}/{folder}/")

    def task(self, workflow_uid: str, task: str) -> str:
        """Return the folder that holds all attempts of a task, with its closing slash."""
        return f"{self.root}runs/{_segment(workflow_uid)}/{_segment(task)}/"

    @property
    def datasets(self) -> str:
        """The folder of everybody's datasets, with its closing slash: steps read it and never write there."""
        head = f"{self.prefix.strip('/')}/" if self.prefix.strip("/") else ""
        return f"{head}datasets/"

    def dataset(self, name: str) -> DatasetPlace:
        """Return the folder of one dataset."""
        return DatasetPlace(self.bucket, f"{self.datasets}{_segment(name)}/")


@dataclass(frozen=True)
class Attempt:
    """Paths of one attempt: write-once records, replica streams and outputs.

    Parameters
    ----------
    folder : str
        Object-name prefix with its closing slash.
    """

    bucket: str
    folder: str

    @property
    def uri(self) -> str:
        """The folder as ``gs://bucket/…/``."""
        return f"gs://{self.bucket}/{self.folder}"

    @property
    def intent(self) -> str:
        """Written before the custom job is created."""
        return self.folder + "intent.json"

    @property
    def created(self) -> str:
        """Written once the custom job's name is known."""
        return self.folder + "created.json"

    @property
    def exit(self) -> str:
        """How the launcher ended."""
        return self.folder + "exit.json"

    @property
    def manifest(self) -> str:
        """The outputs; written last by the runner."""
        return self.folder + "manifest.json"

    def replica(self, replica: int = 0, restart: int = 0) -> str:
        """Return the folder of one life of one replica, with its closing slash."""
        return f"{self.folder}r{replica}.{restart}/"

    def output(self, name: str) -> str:
        """Return the folder of one output, with its closing slash."""
        return f"{self.folder}out/{_segment(name)}/"


@dataclass(frozen=True)
class DatasetPlace:
    """Paths of one dataset: content by digest, manifests by digest, numbers, aliases.

    Parameters
    ----------
    root : str
        Object-name prefix with its closing slash.
    """

    bucket: str
    root: str

    def uri(self, name: str) -> str:
        """Return ``gs://bucket/name``."""
        return f"gs://{self.bucket}/{name}"

    def object(self, digest: str) -> str:
        """Return the name of the bytes with this SHA-256: versions with the same bytes share them."""
        return f"{self.root}objects/sha256/{digest[:2]}/{digest}"

    def manifest(self, version: str) -> str:
        """Return the name of the manifest of the version with this digest."""
        return f"{self.root}{version}/manifest.json"

    @property
    def versions(self) -> str:
        """The folder of the records of numbers, with its closing slash."""
        return f"{self.root}versions/"

    def version(self, number: int) -> str:
        """Return the name of the record of a number; names sort as numbers do."""
        return f"{self.versions}{number:08d}.json"

    @property
    def aliases(self) -> str:
        """The folder of the alias files, with its closing slash."""
        return f"{self.root}aliases/"

    def alias(self, alias: str) -> str:
        """Return the name of an alias file: it is replaced under the generation that was read."""
        return f"{self.aliases}{_segment(alias)}.json"


def split_uri(uri: str) -> tuple[str, str]:
    """Split ``gs://bucket/name`` into bucket and object name.

    Raises
    ------
    SpecError
        When it is not such a URI.
    """
    match = re.match(r"gs://([a-z0-9][a-z0-9._-]{1,221}[a-z0-9])/(.+)\Z", uri, re.ASCII | re.DOTALL)
    if match is None:
        raise SpecError(f"{uri!r} is not a storage URI", hint="Write it as gs://BUCKET/OBJECT.")
    return match.group(1), match.group(2)
