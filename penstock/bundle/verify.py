"""Looking, without changing anything: whether a model holds, and which models there are."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path

import pyarrow as pa

from penstock.bundle.bundle import Bundle
from penstock.bundle.canonical import table_digest
from penstock.bundle.keys import Trust
from penstock.bundle.layout import ModelHome, Pointer, model_names
from penstock.bundle.manifest import LOOKUPS, MANIFEST, SIGNATURE, is_table
from penstock.bundle.renewal import records_in, renewed_by
from penstock.bundle.sealed import open_sealed, read_manifest
from penstock.durations import roughly
from penstock.errors import PenstockError, Tampered
from penstock.frozen import Frozen


class Check(Frozen):
    """One thing that was looked at. `detail` says what was found."""

    what: str
    passed: bool
    detail: str


class ModelEntry(Frozen):
    """One model: what is live, and what lies beside it. `trouble` says why it cannot be trusted."""

    name: str
    version: str | None = None
    digest: str | None = None
    generation: int | None = None
    created: str | None = None
    family: str | None = None
    target: str | None = None
    held: str | None = None
    versions: tuple[str, ...] = ()
    withdrawn: tuple[str, ...] = ()
    trouble: str = ""


def verify_model(
    artifacts: str | Path, name: str, version: str | None = None, *, trusted: Trust | None = None
) -> list[Check]:
    """Look at everything that makes a version trustworthy, as far as each finding lets us go on.

    Parameters
    ----------
    artifacts : str or pathlib.Path
        The artifacts directory.
    name : str
        The model's name.
    version : str, optional
        A version, by name or by its sequence number alone; the live one by default.
    trusted : Trust, optional
        The keys whose signature counts.

    Returns
    -------
    list of Check
        Pointer, signature and files, model and probes, twin, look-ups, log; it ends at the first that fails.

    Raises
    ------
    NotFound
        There is no such model or version.
    """
    home = ModelHome(artifacts, name)
    trust = trusted or Trust.standard()
    if version is not None:
        version = home.find_version(version)
    elif not home.disk.exists(home.pointer_path):
        home.read_pointer(trust)
    checks: list[Check] = []
    pointer: list[Pointer] = []

    def look(what: str, how: Callable[[], str]) -> bool:
        try:
            checks.append(Check(what=what, passed=True, detail=how()))
        except PenstockError as error:
            detail = " ".join(p for p in (error.what, error.where and f"({error.where})", error.got) if p)
            checks.append(Check(what=what, passed=False, detail=detail))
        return checks[-1].passed

    def follow() -> str:
        pointer.append(home.read_pointer(trust))
        return f"generation {pointer[0].generation} names {pointer[0].version}"

    if not look("pointer", follow) and version is None:
        return checks
    where = home.version_folder(version or pointer[0].version)
    as_of = pointer[0].as_of if pointer and where.name == pointer[0].version else {}
    with home.disk.local(where) as folder:
        steps: list[tuple[str, Callable[[], str]]] = [
            ("files", lambda: _files(folder, trust, name)),
            ("model", lambda: _opens(folder, trust, name)),
            ("twin", lambda: _twin_opens(folder, trust, name)),
        ]
        if _has_lookups(folder, trust):
            steps.append(("look-ups", lambda: _looks_up(folder, trust, name, as_of)))
        if all(look(what, how) for what, how in steps) and pointer:
            look("log", lambda: _log(home, pointer[0]))
    return checks


def _files(folder: Path, trust: Trust, name: str) -> str:
    manifest = open_sealed(folder, trust, name=name, keep=lambda _: False).manifest
    size = sum(entry.size for entry in manifest.files.values())
    return f"{len(manifest.files)} files, {size / 1e6:.1f} MB, as signed"


def _opens(folder: Path, trust: Trust, name: str) -> str:
    bundle = Bundle.load(folder, name=name, trusted=trust)
    told = "it answers its probes as it did when it was sealed"
    return "; ".join([told, *bundle.notes])


def _twin_opens(folder: Path, trust: Trust, name: str) -> str:
    Bundle.load(folder, name=name, twin=True, trusted=trust)
    return "it opens"


def _has_lookups(folder: Path, trust: Trust) -> bool:
    try:
        return any(is_table(path) for path in read_manifest(folder, trust).files)
    except PenstockError:
        # What is wrong with it is told by the steps before.
        return False


def _looks_up(folder: Path, trust: Trust, name: str, as_of: Mapping[str, str]) -> str:
    files = open_sealed(folder, trust, name=name, keep=lambda path: path.startswith(LOOKUPS)).files
    tables = {path.removeprefix(LOOKUPS).removesuffix(".arrow"): data for path, data in files.items() if is_table(path)}
    records = renewed_by(records_in(files), as_of)
    moment = dt.datetime.now(dt.UTC)
    told = []
    for table, data in tables.items():
        record, rows = records.get(table), pa.ipc.open_file(pa.BufferReader(data)).read_all()
        if record is None or (record.rows, record.digest) != (rows.num_rows, table_digest(rows)):
            raise Tampered(
                f"The look-up {table!r} is not the one that its record tells of",
                where=str(folder / f"{LOOKUPS}{table}.arrow"),
                todo="Publish the model again.",
            )
        age = record.age(moment)
        old = "" if age is None else f", {roughly(age)} old" + (" (stale)" if record.is_stale(moment) else "")
        told.append(f"{table} {record.version}, {rows.num_rows:,} rows{old}")
    return "; ".join(told)


def _log(home: ModelHome, pointer: Pointer) -> str:
    events = home.events()
    last = max((e.generation for e in events), default=0)
    if last < pointer.generation:
        return f"{len(events)} lines; the last change is not noted yet, the next publisher will note it"
    return f"{len(events)} lines"


def list_models(artifacts: str | Path, *, trusted: Trust | None = None) -> list[ModelEntry]:
    """Return the models of an artifacts directory, by name; one whose pointer fails is listed with the trouble."""
    trust = trusted or Trust.standard()
    return [_entry(ModelHome(artifacts, name), trust) for name in model_names(artifacts)]


def _entry(home: ModelHome, trust: Trust) -> ModelEntry:
    versions = tuple(home.versions())
    try:
        pointer = home.read_pointer(trust)
        with home.disk.local(home.version_folder(pointer.version), (MANIFEST, SIGNATURE)) as folder:
            manifest = read_manifest(folder, trust)
    except PenstockError as error:
        return ModelEntry(name=home.name, versions=versions, trouble=error.what)
    target = manifest.spec.get("target")
    return ModelEntry(
        name=home.name,
        version=pointer.version,
        digest=pointer.digest,
        generation=pointer.generation,
        created=manifest.created,
        family=manifest.family,
        target=target if isinstance(target, str) else None,
        held=pointer.holds[-1].reason if pointer.holds else None,
        versions=versions,
        withdrawn=tuple(v for v in versions if any(d.startswith(v.partition("-")[2]) for d in pointer.withdrawn)),
    )
