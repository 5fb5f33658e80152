"""The live version, taken apart into what the next one is made of."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
from pydantic import ValidationError

from penstock.arrays.profile import Profile
from penstock.bundle.candidate import collected_at
from penstock.bundle.carried import Carried
from penstock.bundle.keys import Trust
from penstock.bundle.layout import ModelHome, Pointer
from penstock.bundle.manifest import (
    ESTIMATOR,
    LOOKUPS,
    METRICS,
    PROBE,
    PROFILE,
    PROMISES,
    REPORT,
    SCHEMA,
    STEPS,
    TWIN,
    VERDICT,
    Manifest,
    is_table,
)
from penstock.bundle.pickled import as_joblib
from penstock.bundle.probe import rows_of
from penstock.bundle.promises import Promises
from penstock.bundle.renewal import records_in, renewed_by
from penstock.bundle.seal import Parts
from penstock.bundle.sealed import open_sealed
from penstock.errors import BundleError
from penstock.receipts import Interval, Verdict
from penstock.table import TableSchema


@dataclass(frozen=True)
class Live:
    """The version that a pointer names: its parts, and what was signed of them.

    `carried` are its look-ups, each as late as it was seen to be unchanged.
    """

    pointer: Pointer
    folder: Path
    manifest: Manifest
    parts: Parts
    carried: Mapping[str, Carried]
    verdict: Verdict

    def receipt(self, stage: str) -> dict[str, Any] | None:  # JSON, whose shape the stage decides
        """Return the receipt of a stage of the run that trained it, if its lineage has one."""
        found = self.manifest.lineage.get("receipts", {}).get(stage)
        return dict(found) if isinstance(found, Mapping) else None


def live_of(artifacts: str | Path, name: str) -> Live:
    """Open the live version of a model.

    Raises
    ------
    NotFound
        Nothing has been published under this name.
    NotSigned, Tampered, BundleError
        It cannot be trusted.
    """
    home, trust = ModelHome(artifacts, name), Trust.standard()
    pointer = home.read_pointer(trust)
    folder = home.version_folder(pointer.version)
    sealed = open_sealed(folder, trust, name=name, keep=lambda _: True)
    try:
        parts = _parts(sealed.manifest, sealed.files)
        verdict = Verdict.model_validate_json(sealed.files[VERDICT])
    except (ValidationError, KeyError, ValueError, pa.ArrowInvalid) as error:
        raise BundleError(
            "The live version is whole, and says something that this release does not understand",
            where=str(folder),
            got=type(error).__name__,
            todo="Publish the model again: penstock run SPEC.yaml",
        ) from error
    carried = renewed_by(records_in(sealed.files), pointer.as_of)
    return Live(pointer, folder, sealed.manifest, parts, carried, verdict)


def _parts(manifest: Manifest, files: Mapping[str, bytes]) -> Parts:
    metrics = json.loads(files[METRICS])
    return Parts(
        schema=TableSchema.model_validate_json(files[SCHEMA]),
        plan=json.loads(files[STEPS]),
        profile=Profile.model_validate_json(files[PROFILE]),
        tables={
            path.removeprefix(LOOKUPS).removesuffix(".arrow"): _table(data)
            for path, data in files.items()
            if is_table(path)
        },
        collected=collected_at(manifest.lineage),
        served=as_joblib(files, ESTIMATOR, manifest.environment, manifest.model),
        twin=as_joblib(files, TWIN, manifest.environment, manifest.model),
        probe=rows_of(_table(files[PROBE])),
        digest=manifest.digest,
        family=manifest.family,
        metrics=metrics,
        scores=_intervals(metrics.get("scores", {})),
        baseline=_intervals(metrics.get("baseline", {})),
        environment=manifest.environment,
        spec=manifest.spec,
        lineage=manifest.lineage,
        report=files.get(REPORT),
        promises=Promises.model_validate_json(files[PROMISES]) if PROMISES in files else Promises(),
    )


def _intervals(told: Mapping[str, Any]) -> dict[str, Interval]:
    return {name: Interval.model_validate(value) for name, value in told.items()}


def _table(data: bytes) -> pa.Table:
    return pa.ipc.open_file(pa.BufferReader(data)).read_all()
