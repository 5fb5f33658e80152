"""`penstock models`, `verify`, `rollback`, `hold`, `release`, `publish`: what is published, and what is live."""

from __future__ import annotations

import re
from pathlib import Path

from rich.markup import escape

from deploy.commands.console import out, table
from penstock.bundle.bundle import Bundle
from penstock.bundle.canary import end_canary, start_canary
from penstock.bundle.candidate import publish_candidate, read_candidate, way_in
from penstock.bundle.layout import ModelHome, Pointer, model_names
from penstock.bundle.publish import hold as hold_model
from penstock.bundle.publish import release as release_model
from penstock.bundle.publish import rollback as roll_back
from penstock.bundle.verify import verify_model
from penstock.errors import EXIT_OK, EXIT_OTHER, EXIT_REFUSED, BundleError, NotFound, UserError

_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,127}")


def models(artifacts: Path) -> int:
    """Print every model: the version that is live, since when, and what else there is."""
    listed = table("model", "live version", "#generation", "published", "versions", "")
    names = model_names(artifacts)
    for name in names:
        home = ModelHome(artifacts, name)
        versions = ", ".join(home.versions())
        try:
            pointer = home.read_pointer()
        except BundleError as error:
            listed.add_row(name, "—", "", "", versions, escape(error.what))
            continue
        held = f"held: {pointer.holds[-1].reason}" if pointer.holds else ""
        listed.add_row(name, pointer.version, str(pointer.generation), _since(home, pointer), versions, escape(held))
    if names:
        out().print(listed)
    else:
        out().print(f"No model is published in {artifacts}. Publish one: penstock run SOURCE --target COLUMN")
    return EXIT_OK


def _since(home: ModelHome, pointer: Pointer) -> str:
    return next((e.at for e in reversed(home.events()) if e.generation == pointer.generation), "")


def verify(name: str, artifacts: Path, version: str | None) -> int:
    """Print one line for each thing that was checked; exit status 1 where one does not hold."""
    checks = verify_model(artifacts, name, version)
    console = out()
    for check in checks:
        console.print(
            f"{'ok  ' if check.passed else 'FAIL'} {escape(check.what)}"
            + (f" — {escape(check.detail)}" if check.detail else "")
        )
    return EXIT_OK if all(check.passed for check in checks) else EXIT_OTHER


def rollback(name: str, artifacts: Path, to: str | None, reason: str) -> int:
    """Go back, and say what is live now."""
    pointer = roll_back(artifacts, name, to, reason)
    out().print(f"{name}: version {pointer.version} is live (generation {pointer.generation}).")
    if pointer.withdrawn:
        out().print("The version that was left is withdrawn: it comes back only with a reason.")
    return EXIT_OK


def hold(name: str, artifacts: Path, reason: str) -> int:
    """Hold, and say how to let go."""
    hold_model(artifacts, name, reason)
    out().print(f"{name} is held: nothing new goes live. Let go: penstock release {name}")
    return EXIT_OK


def release(name: str, artifacts: Path) -> int:
    """Release."""
    release_model(artifacts, name)
    out().print(f"{name} is released.")
    return EXIT_OK


def canary(name: str, artifacts: Path, version: str | None, share: float, reason: str) -> int:
    """Let a version answer a share of the requests, or end that where none is named; say who answers what."""
    if version is None:
        pointer = end_canary(artifacts, name, reason)
        out().print(f"{name}: version {pointer.version} answers all requests.")
        return EXIT_OK
    pointer = start_canary(artifacts, name, version, share, reason)
    assert pointer.canary is not None
    chosen = pointer.canary.version
    out().print(f"{name}: version {chosen} answers {share:.3g} of the requests, {pointer.version} the others.")
    out().print(f"Make it live: penstock rollback {name} --to {chosen}. End it: penstock canary {name}")
    return EXIT_OK


def publish(
    run_id: str,
    artifacts: Path,
    force: str | None,
    accept: str = "",
    to: str | None = None,
    share: float | None = None,
) -> int:
    """Publish a kept candidate, and say what became of it."""
    folder = artifacts / "runs" / run_id / "candidate"
    if not _RUN.fullmatch(run_id) or not folder.is_dir():
        raise NotFound(
            f"There is no run {run_id!r} with a candidate",
            where=str(artifacts / "runs"),
            expected=", ".join(_recent(artifacts)) or "a run id, as `penstock run` prints it",
        )
    if share is not None and not 0 < share < 1:
        raise UserError("A canary answers a share of the requests", got=f"{share:g}", expected="over 0 and below 1")
    done = publish_candidate(folder, artifacts, force=force or "", accept=accept, to=to, canary=share)
    console = out()
    if done.state == "refused":
        console.print("Not published:")
        for reason in done.reasons:
            console.print(f"  - {escape(reason)}")
        way = way_in(read_candidate(folder).evaluated.verdict)
        console.print(f"To publish it all the same: penstock publish {run_id} {way}")
        return EXIT_REFUSED
    if share is not None and done.state == "published":
        console.print(f"{done.model}: version {done.version} answers {share:.3g} of the requests.")
        return EXIT_OK
    console.print(f"{done.model}: version {done.version} is live ({done.state}).")
    return EXIT_OK


def _recent(artifacts: Path) -> list[str]:
    runs = [p for p in (artifacts / "runs").glob("*") if (p / "candidate").is_dir()]
    return [p.name for p in sorted(runs, key=lambda p: p.stat().st_mtime)[-5:]]


def load(name: str, artifacts: Path, version: str | None) -> Bundle:
    """Return a published version, the live one by default."""
    home = ModelHome(artifacts, name)
    if version is None:
        return Bundle.load(home.folder, name=name)
    found = home.find_version(version)
    bundle = Bundle.load(home.version_folder(found), name=name)
    try:
        pointer = home.read_pointer()
    except BundleError:
        return bundle
    # Only the pointer knows how late the look-ups of the live version were seen.
    return bundle.renewed(pointer.as_of) if pointer.version == found else bundle
