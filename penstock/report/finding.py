"""The dossier of a run or of a published version: where it lies, and what it can be made anew from."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import orjson

from penstock.bundle.keys import Trust
from penstock.bundle.layout import ModelHome, model_names
from penstock.bundle.manifest import REPORT
from penstock.bundle.sealed import open_sealed
from penstock.errors import NotFound
from penstock.table import closest

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")
SUMMARY = "summary.json"


class Place(NamedTuple):
    """A dossier: whose, its page, and the folder of the run that has its facts, unless that is gone."""

    called: str
    page: Path
    folder: Path | None


def finished_runs(artifacts: Path) -> list[str]:
    """Return the runs that ended, the newest first."""
    found = [path.parent for path in (artifacts / "runs").glob(f"*/{SUMMARY}")]
    return [folder.name for folder in sorted(found, key=lambda f: (f.name, f.stat().st_mtime), reverse=True)]


def run_folder(artifacts: Path, run: str) -> Path | None:
    """Return the folder of a run that ended, or None where there is no run of that id.

    Raises
    ------
    NotFound
        The run was cut off before its report was written.
    """
    folder = artifacts / "runs" / run
    if not _RUN.fullmatch(run) or not folder.is_dir():
        return None
    if not (folder / SUMMARY).is_file():
        raise NotFound(
            f"The run {run} was cut off before its report was written",
            where=str(folder),
            expected=SUMMARY,
            todo="Run the spec again: the stages that ended are taken from the cache.",
        )
    return folder


def dossier_place(artifacts: Path, called: str | None, *, rendering: bool = False) -> Place:
    """Return where a dossier lies.

    Parameters
    ----------
    artifacts : pathlib.Path
        The artifacts directory.
    called : str or None
        A run's id, a model's name (its live version), or NAME@VERSION; None means the newest run.
    rendering : bool
        The page need not be there: it is about to be made anew.

    Raises
    ------
    NotFound
        There is no such run, model or version, the run was cut off, or the version was published without a report.
    NotSigned, Tampered
        The version cannot be trusted.
    """
    runs = finished_runs(artifacts)
    if called is None:
        if not runs:
            raise NotFound(
                "There is no run with a report",
                where=str(artifacts / "runs"),
                todo="Make one: penstock run SOURCE --target COLUMN",
            )
        called = runs[0]
    if (folder := run_folder(artifacts, called)) is not None:
        return _of_run(called, called, folder, rendering)
    name, _, version = called.partition("@")
    names = model_names(artifacts)
    if name not in names:
        raise NotFound(
            f"There is no run and no model {name!r}",
            where=str(artifacts),
            expected=closest(name, [*names, *runs[:8]]),
        )
    home = ModelHome(artifacts, name)
    found = home.find_version(version) if version else home.read_pointer().version
    for run in runs:
        folder = artifacts / "runs" / run
        told = orjson.loads((folder / SUMMARY).read_bytes())
        if (told.get("name"), told.get("version"), told.get("state")) == (name, found, "published"):
            return _of_run(run, f"{name} {found}, run {run}", folder, rendering)
    return _of_version(home, name, found)


def _of_run(run: str, called: str, folder: Path, rendering: bool) -> Place:
    page = folder / REPORT
    if not (rendering or page.is_file()):
        todo = f"Make it anew from the run's facts: penstock report {run} --render"
        raise NotFound(f"The report of the run {run} is gone", where=str(page), todo=todo)
    return Place(called, page, folder)


def _of_version(home: ModelHome, name: str, version: str) -> Place:
    """Return the page that was sealed with a version: its run is gone, or its candidate went live later."""
    sealed = open_sealed(home.version_folder(version), Trust.standard(), name=name, keep=lambda _: False)
    if REPORT not in sealed.manifest.files:
        raise NotFound(f"{name} {version} was published without a report", where=str(sealed.folder))
    return Place(f"{name} {version}", sealed.folder / REPORT, None)
