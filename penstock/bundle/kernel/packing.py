"""A kernel's files as one file of a version: to write and to verify one is quicker than five."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping

from penstock.bundle.kernel.kernel import Kernel
from penstock.errors import BundleError


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return files as a zip archive, stored as they are: the same files give the same bytes.

    Examples
    --------
    >>> unpacked(packed({"kernel.json": b"{}"}))
    {'kernel.json': b'{}'}
    """
    sink = io.BytesIO()
    with zipfile.ZipFile(sink, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            # Without a moment of its own each would bear the clock's.
            archive.writestr(zipfile.ZipInfo(name), files[name])
    return sink.getvalue()


def unpacked(data: bytes) -> dict[str, bytes]:
    """Return the files that `packed` packed; nothing is written anywhere.

    Raises
    ------
    BundleError
        It is no such archive.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            return {name: archive.read(name) for name in archive.namelist()}
    except (zipfile.BadZipFile, NotImplementedError) as error:
        raise BundleError("The kernel cannot be read", todo="Publish the model again.") from error


def opened_kernel(data: bytes) -> Kernel:
    """Return the kernel that a version's file holds.

    Raises
    ------
    BundleError
        Another release wrote it, in a way that this one does not know.
    """
    from penstock.bundle.kernel.engines.blend import opened

    return Kernel.opened(unpacked(data), opened)
