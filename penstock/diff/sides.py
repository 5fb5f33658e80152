"""One side of a comparison: a run or a published version, as far as it is compared."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import orjson
from pydantic import ValidationError

from penstock.arrays.profile import Profile
from penstock.bundle.keys import Trust
from penstock.bundle.layout import ModelHome, model_names
from penstock.bundle.manifest import PROFILE, SCHEMA, STEPS, VERDICT
from penstock.bundle.sealed import open_sealed
from penstock.errors import NotFound
from penstock.frozen import Frozen
from penstock.receipts import Collected, Evaluated, Trained, Verdict, Wrangled
from penstock.report.finding import SUMMARY, finished_runs, run_folder
from penstock.store import Store
from penstock.table import TableSchema, closest


class Side(Frozen):
    """A run or a version. `plan` is its JSON: steps, split and joins; `libraries` are the releases it was made with."""

    called: str
    model: str
    made_at: str
    state: str
    version: str | None
    verdict: Verdict
    spec: dict[str, Any]  # as the user wrote it: any YAML
    schema_: TableSchema
    plan: dict[str, Any]  # the JSON of any step
    profile: Profile
    collected: Collected
    wrangled: Wrangled
    trained: Trained
    evaluated: Evaluated
    libraries: dict[str, str]


class Pair(NamedTuple):
    """What was before, and what came after."""

    one: Side
    other: Side


def pair_of(artifacts: Path, one: str, other: str | None) -> Pair:
    """Return what is to be compared.

    Parameters
    ----------
    artifacts : pathlib.Path
        The artifacts directory.
    one, other : str
        A run's id, a model's name (its live version) or NAME@VERSION. Without `other`, `one` is a model whose live
        version is compared with the one before.

    Raises
    ------
    NotFound
        There is no such run, model or version, a run was cut off, or a model has but one version.
    StoreError
        What a run left in the store is gone or altered.
    """
    if other is not None:
        return Pair(side_of(artifacts, one), side_of(artifacts, other))
    home = ModelHome(artifacts, one) if one in model_names(artifacts) else None
    if home is None:
        raise NotFound(
            "There is one thing to compare, and nothing to compare it with",
            got=one,
            expected="RUN RUN, NAME@VERSION NAME@VERSION, or the name of a model",
            where=str(artifacts),
        )
    pointer = home.read_pointer()
    earlier = pointer.previous[0] if pointer.previous else None
    if earlier is None:
        raise NotFound(
            f"The model {one} has no earlier version", where=str(home.versions_folder), got=f"{pointer.version} alone"
        )
    return Pair(side_of(artifacts, f"{one}@{earlier}"), side_of(artifacts, f"{one}@{pointer.version}"))


def side_of(artifacts: Path, called: str) -> Side:
    """Return a run or a version by its name.

    Raises
    ------
    NotFound, StoreError, NotSigned, Tampered
        As `pair_of` raises them; what cannot be trusted is not compared.
    """
    folder = run_folder(artifacts, called)
    if folder is not None:
        return _of_run(called, folder, Store(artifacts))
    name, _, version = called.partition("@")
    names = model_names(artifacts)
    if name not in names:
        known = [*names, *finished_runs(artifacts)[:8]]
        raise NotFound(f"There is no run and no model {name!r}", where=str(artifacts), expected=closest(name, known))
    home = ModelHome(artifacts, name)
    return _of_version(home, home.find_version(version) if version else home.read_pointer().version)


def _of_run(run: str, folder: Path, store: Store) -> Side:
    try:
        summary = orjson.loads((folder / SUMMARY).read_bytes())
        lineage = orjson.loads((folder / "lineage.json").read_bytes())
        spec = orjson.loads((folder / "spec.json").read_bytes())
    except (OSError, ValueError) as error:
        todo = "Run the spec again."
        raise NotFound(f"The files of the run {run} cannot be read", where=str(folder), todo=todo) from error
    stages = _stages(run, lineage)
    wrangled, trained = stages["wrangled"], stages["trained"]
    libraries = orjson.loads(store.read_bytes(trained.environment))
    return Side(
        called=run,
        model=summary["name"],
        made_at=stages["collected"].snapshots[0].collected_at,
        state=summary["state"],
        version=summary["version"],
        verdict=Verdict.model_validate(summary["verdict"]),
        spec=spec,
        schema_=TableSchema.model_validate_json(store.read_bytes(wrangled.table_schema)),
        plan=orjson.loads(store.read_bytes(trained.plan)),
        profile=Profile.model_validate_json(store.read_bytes(wrangled.profile)),
        libraries={**libraries, "penstock": lineage["penstock"]},
        **stages,
    )


def _of_version(home: ModelHome, version: str) -> Side:
    wanted = {SCHEMA, STEPS, PROFILE, VERDICT}
    sealed = open_sealed(home.version_folder(version), Trust.standard(), name=home.name, keep=wanted.__contains__)
    manifest, files = sealed.manifest, sealed.files
    return Side(
        called=f"{home.name}@{version}",
        model=home.name,
        made_at=manifest.created,
        state="published",
        version=version,
        verdict=Verdict.model_validate_json(files[VERDICT]),
        spec=manifest.spec,
        schema_=TableSchema.model_validate_json(files[SCHEMA]),
        plan=orjson.loads(files[STEPS]),
        profile=Profile.model_validate_json(files[PROFILE]),
        libraries=manifest.environment,
        **_stages(f"{home.name}@{version}", manifest.lineage),
    )


def _stages(called: str, lineage: Mapping[str, Any]) -> dict[str, Any]:
    try:
        receipts = lineage["receipts"]
        return {
            "collected": Collected.model_validate(receipts["collect"]),
            "wrangled": Wrangled.model_validate(receipts["wrangle"]),
            "trained": Trained.model_validate(receipts["train"]),
            "evaluated": Evaluated.model_validate(receipts["evaluate"]),
        }
    except (KeyError, ValidationError) as error:
        raise NotFound(
            "The receipts of this run cannot be understood",
            where=called,
            todo="Run again with this release of penstock.",
        ) from error
