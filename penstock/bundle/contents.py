"""The verified files of a sealed bundle made into what it consists of."""

from __future__ import annotations

import json
from typing import Any

import pyarrow as pa

from penstock.aiming import aim_in
from penstock.arrays.profile import Profile
from penstock.bundle.environment import differences, refuse_other_majors
from penstock.bundle.fitted import Fitted, as_signed
from penstock.bundle.kernel.packing import opened_kernel
from penstock.bundle.manifest import CARD, KERNEL, LOOKUPS, METRICS, PROFILE, PROMISES, SCHEMA, STEPS, VERDICT, is_table
from penstock.bundle.pickled import named, opened
from penstock.bundle.promises import Promises
from penstock.bundle.renewal import records_in
from penstock.bundle.sealed import Sealed
from penstock.receipts import Verdict
from penstock.series.rule import HISTORY, SERIES, SeriesRule
from penstock.steps.plan import Plan
from penstock.steps.relations.travelling import lookups_of
from penstock.table import TableSchema


def contents_of(sealed: Sealed, estimator: str) -> dict[str, Any]:
    """Return the fields of the bundle that some files are, by name.

    Parameters
    ----------
    sealed : Sealed
        Files whose bytes have been verified.
    estimator : str
        The file of the estimator that is wanted: the served model's, or the twin's. Where it is not among the files,
        the kernel is opened instead of it.

    Raises
    ------
    ValueError, KeyError, pydantic.ValidationError, pyarrow.ArrowInvalid
        A file says something that this release does not understand.
    """
    files, manifest = sealed.files, sealed.manifest
    refuse_other_majors(manifest.environment, str(sealed.folder))
    steps = json.loads(files[STEPS])
    tables = {
        path.removeprefix(LOOKUPS).removesuffix(".arrow"): table_in(data)
        for path, data in files.items()
        if is_table(path)
    }
    return {
        "name": manifest.model,
        "schema": TableSchema.model_validate_json(files[SCHEMA]),
        "plan": Plan.model_validate({"steps": steps["steps"]}),
        "lookups": {lookup.name: lookup for lookup in lookups_of(steps, tables)},
        "fitted": _fitted(sealed, estimator),
        "kernel": None if named(files, estimator) in files else opened_kernel(files[KERNEL]),
        "profile": Profile.model_validate_json(files[PROFILE]),
        "carried": records_in(files),
        "version": manifest.version,
        "digest": manifest.digest,
        "manifest": manifest,
        "metrics": json.loads(files[METRICS]),
        "verdict": Verdict.model_validate_json(files[VERDICT]),
        "card": files[CARD].decode(),
        "notes": tuple(differences(manifest.environment)),
        "folder": sealed.folder,
        "promises": Promises.model_validate_json(files[PROMISES]) if PROMISES in files else Promises(),
        "series": SeriesRule.model_validate(steps[SERIES]) if SERIES in steps else None,
        "aim": aim_in(steps),
        "history": tables.get(HISTORY) if SERIES in steps else None,
    }


def _fitted(sealed: Sealed, estimator: str) -> Fitted:
    signed, made_with = sealed.manifest.files, sealed.manifest.environment
    name = named(signed, estimator)
    path = sealed.folder / name
    if name in sealed.files:
        return Fitted.at_hand(opened(sealed.files, estimator, made_with, str(path)))

    def when_asked() -> object:
        proven = {name: as_signed(path, signed[name], "fitted pipeline")}
        return opened(proven, estimator, made_with, str(path))

    return Fitted(when_asked)


def table_in(data: bytes) -> pa.Table:
    """Return the table that the bytes of an Arrow file hold."""
    return pa.ipc.open_file(pa.BufferReader(data)).read_all()
