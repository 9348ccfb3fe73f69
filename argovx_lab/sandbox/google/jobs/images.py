"""What stands for a container image on this machine, as custom jobs see it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True)
class Image:
    """A local program that stands for an image.

    Parameters
    ----------
    interpreter : str
        Absolute path of its program; its folder leads ``PATH``.
    entrypoint, cmd : tuple of str
        As in the image: what runs when the container names no command, and what follows it when the
        container names neither command nor arguments.
    env : mapping
        What the image itself sets in its containers.
    """

    interpreter: str
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)


class Images(Protocol):
    """The table of images."""

    def find(self, reference: str) -> Image | None:
        """Return what stands for an image, ``None`` when it cannot be had."""


class Fixed:
    """A table that is given whole: image reference → :class:`Image`."""

    def __init__(self, images: Mapping[str, Image]) -> None:
        self._images = dict(images)

    def find(self, reference: str) -> Image | None:
        """Return what stands for an image."""
        return self._images.get(reference)
