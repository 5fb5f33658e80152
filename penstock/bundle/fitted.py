"""The fitted pipeline of a bundle: at hand, or sealed in a file that is only opened where somebody asks for it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from threading import Lock
from typing import Any, Self

from penstock.bundle.disk import read_regular
from penstock.bundle.manifest import FileEntry, Manifest, entry
from penstock.errors import BundleError, Tampered


class Fitted:
    """A pipeline that is opened once, when it is first asked for.

    Parameters
    ----------
    opening : callable
        Gives the pipeline.
    """

    def __init__(self, opening: Callable[[], Any]) -> None:
        self._opening = opening
        self._lock = Lock()
        self._found: Any = None

    @classmethod
    def at_hand(cls, estimator: object) -> Self:
        """Return a pipeline that is in memory already."""
        return cls(lambda: estimator)

    def get(self) -> Any:
        """Return the pipeline.

        Raises
        ------
        Tampered
            Its file is not the one that was signed.
        NotFound, StoreError, BundleError
            The file is gone, the disk would not give it, or it does not open here.
        """
        with self._lock:
            if self._found is None:
                self._found = self._opening()
            return self._found


def as_signed(path: Path, signed: FileEntry, what: str) -> bytes:
    """Return the bytes of a file of a version, hashed against the manifest's entry.

    Raises
    ------
    Tampered
        They are not those that were signed.
    """
    data = read_regular(path, signed.size)
    if entry(data) != signed:
        raise Tampered(f"The {what} is not the one that was signed", where=str(path))
    return data


def file_of(manifest: Manifest | None, folder: Path | None, path: str) -> bytes:
    """Return a file of a version by its name, hashed against the manifest.

    Raises
    ------
    BundleError
        The bundle was not opened from where it is sealed, or there is no such file.
    Tampered
        It is not the one that was signed.
    """
    if manifest is None or folder is None or path not in manifest.files:
        raise BundleError("The bundle has no such file", got=path, todo="Open a sealed version: Bundle.load.")
    return as_signed(folder / path, manifest.files[path], path)
