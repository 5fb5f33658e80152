"""Models of a bucket brought to this machine: a bundle to predict with, or a whole artifacts directory to serve from.

A service reads plain files, so that it goes on answering when the bucket is away. A mirror brings a version before the
pointer that names it, under the same rules by which publishers write: whoever reads it sees the old version or the new
one, whole, and whatever was altered on the way fails its proof.
"""

from __future__ import annotations

import shutil
import tempfile
import weakref
from pathlib import Path

from penstock.bundle.bucket import Bucket
from penstock.bundle.bundle import Bundle
from penstock.bundle.disk import Disk
from penstock.bundle.keys import Trust
from penstock.bundle.layout import ModelHome, Pointer, model_names
from penstock.errors import NotFound
from penstock.store import write_atomically


def load(artifacts: str | Path, name: str, version: str | None = None, *, trusted: Trust | None = None) -> Bundle:
    """Open a model wherever it lies: a bucket's is brought here, verified here, and removed with the bundle.

    Parameters
    ----------
    artifacts : str or pathlib.Path
        The artifacts directory, or the address of a bucket.
    name : str
        The model's name.
    version : str, optional
        A version, by its name or its sequence alone; the live one by default.
    trusted : Trust, optional
        The keys whose signature counts.

    Raises
    ------
    NotFound, NotSigned, Tampered, BundleError, StoreError
        As `Bundle.load` and `ModelHome.read_pointer` raise them.
    """
    home, trust = ModelHome(artifacts, name), trusted or Trust.standard()
    pointer = home.read_pointer(trust) if version is None else None
    folder = home.version_folder(pointer.version if pointer else home.find_version(str(version)))
    if not isinstance(home.disk, Bucket):
        found = Bundle.load(folder, name=name, trusted=trust)
    else:
        scratch = tempfile.mkdtemp(prefix="penstock-")
        try:
            here = Path(scratch, *folder.parts[-3:])
            home.disk.bring(folder, here)
            found = Bundle.load(here, name=name, trusted=trust)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
        # Its report is read from there when it is asked for.
        weakref.finalize(found, shutil.rmtree, scratch, ignore_errors=True)
    return found if pointer is None else found.renewed(pointer.as_of)


def mirror(artifacts: str | Path, here: str | Path, *, trusted: Trust | None = None) -> dict[str, Pointer]:
    """Bring the live version of every model, and its log, from a bucket into an artifacts directory of this machine.

    Parameters
    ----------
    artifacts : str or pathlib.Path
        The address of the bucket.
    here : str or pathlib.Path
        The directory to serve from.
    trusted : Trust, optional
        The keys whose signature counts; a pointer that is not by one of them is not brought.

    Returns
    -------
    dict of str to Pointer
        The models whose pointer was brought anew. One whose pointer here is as late already is left as it is.

    Raises
    ------
    NotSigned, Tampered, BundleError, StoreError
        A pointer cannot be trusted, or the bucket or the disk refused; what was brought before stays.
    """
    trust = trusted or Trust.standard()
    brought: dict[str, Pointer] = {}
    for name in model_names(artifacts):
        there, home = ModelHome(artifacts, name), ModelHome(here, name, Disk())
        pointer = there.read_pointer(trust)
        if pointer.generation > _generation(home, trust):
            _bring(there, home, pointer)
            brought[name] = pointer
    return brought


def _generation(home: ModelHome, trust: Trust) -> int:
    try:
        return home.read_pointer(trust).generation
    except NotFound:
        return 0


def _bring(there: ModelHome, home: ModelHome, pointer: Pointer) -> None:
    folder = home.version_folder(pointer.version)
    data = there.disk.read(there.pointer_path)
    if not folder.is_dir():
        home.versions_folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=".bringing-", dir=home.versions_folder) as scratch:
            with there.disk.local(there.version_folder(pointer.version)) as found:
                shutil.copytree(found, Path(scratch, pointer.version))
            Path(scratch, pointer.version).rename(folder)
    write_atomically(home.log_path, there.disk.read(there.log_path))
    write_atomically(home.pointer_path, data)
