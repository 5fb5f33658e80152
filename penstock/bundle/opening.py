"""A version's directory to what a bundle is made of: every byte is proven before it is looked at."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from penstock.bundle.contents import contents_of, table_in
from penstock.bundle.keys import Trust
from penstock.bundle.manifest import ESTIMATOR, KERNEL, PROBE, REPORT, TWIN
from penstock.bundle.pickled import spellings
from penstock.bundle.sealed import open_sealed, read_manifest
from penstock.errors import BundleError


def opened(folder: Path, name: str | None, twin: bool, trust: Trust) -> tuple[dict[str, Any], pa.Table]:
    """Return the fields of the bundle that a version is, by name, and its probe.

    The pickled pipeline is only opened where there is no kernel, and for the twin.

    Raises
    ------
    NotFound, NotSigned, Tampered, StoreError
        As `open_sealed` raises them.
    BundleError
        The version says something that this release does not understand, or does not open here.
    """
    chosen, other = (TWIN, ESTIMATOR) if twin else (ESTIMATOR, TWIN)
    unused = {REPORT, *spellings(other)}
    if not twin and KERNEL in read_manifest(folder, trust).files:
        unused.update(spellings(ESTIMATOR))
    sealed = open_sealed(folder, trust, name=name, keep=lambda path: path not in unused)
    try:
        return contents_of(sealed, chosen), table_in(sealed.files[PROBE])
    except (ValidationError, KeyError, ValueError, pa.ArrowInvalid) as error:
        raise BundleError(
            "The bundle is whole, and says something that this release does not understand",
            where=str(folder),
            got=f"{type(error).__name__} in a file of format {sealed.manifest.format}",
            todo="Use the release of penstock that wrote it, or publish the model again.",
        ) from error
