"""The receipts of a run or of a published model: what its rows can be traced by."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from penstock.bundle.keys import Trust
from penstock.bundle.layout import ModelHome, model_names
from penstock.bundle.sealed import read_manifest
from penstock.errors import NotFound, UserError
from penstock.frozen import Frozen
from penstock.receipts import Arrays, Collected, Wrangled
from penstock.sources import Source
from penstock.spec.pipeline import spec_from
from penstock.table import closest

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


class Stem(Frozen):
    """What a model's rows stem from; `sources` say how they were read, and are empty where the spec cannot tell now."""

    called: str
    collected: Collected
    arrays: Arrays
    wrangled: Wrangled
    sources: tuple[Source, ...] = ()


def stem_of(artifacts: Path, called: str, version: str | None = None) -> Stem:
    """Return what a run or a model stems from.

    Parameters
    ----------
    artifacts : pathlib.Path
        The artifacts directory.
    called : str
        A run's id, or a model's name.
    version : str, optional
        Another version of the model than the live one.

    Raises
    ------
    NotFound
        There is neither.
    NotSigned, Tampered
        The model's manifest cannot be trusted.
    """
    run = artifacts / "runs" / called
    if _RUN.fullmatch(called) and (run / "lineage.json").is_file():
        lineage = json.loads((run / "lineage.json").read_bytes())
        return _stem(called, lineage, json.loads((run / "spec.json").read_bytes()))
    names = model_names(artifacts)
    if called not in names:
        runs = sorted((p.parent.name for p in (artifacts / "runs").glob("*/lineage.json")), reverse=True)
        raise NotFound(
            f"There is no run and no model {called!r}",
            where=str(artifacts),
            expected=closest(called, [*names, *runs[:8]]),
        )
    home = ModelHome(artifacts, called)
    found = home.find_version(version) if version else home.read_pointer().version
    manifest = read_manifest(home.version_folder(found), Trust.standard())
    return _stem(f"{called} {found}", manifest.lineage, manifest.spec)


def _stem(called: str, lineage: Mapping[str, Any], declared: Mapping[str, Any]) -> Stem:
    receipts = lineage["receipts"]
    try:
        return Stem(
            called=called,
            collected=Collected.model_validate(receipts["collect"]),
            arrays=Arrays.model_validate(receipts["arrays"]),
            wrangled=Wrangled.model_validate(receipts["wrangle"]),
            sources=_sources(declared),
        )
    except ValidationError as error:
        raise NotFound(
            "The receipts of this run cannot be understood",
            where=called,
            todo="Run again with this release of penstock.",
        ) from error


def _sources(declared: Mapping[str, Any]) -> tuple[Source, ...]:
    # Only how files are read is asked of them, so an address that is not set by now costs the line numbers alone.
    try:
        return spec_from(declared, Path(), secrets=lambda _: "").sources
    except UserError:
        return ()
