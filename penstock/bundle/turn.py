"""One publisher's turn at a model: its lock, what others left lying, and the writes that a turn may end with."""

from __future__ import annotations

import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from penstock.bundle.disk import Disk, told_as_store_error
from penstock.bundle.keys import Signer, Trust
from penstock.bundle.layout import ModelHome, Pointer, sequence_of
from penstock.bundle.log import MADE_LIVE, Event, What, now
from penstock.errors import BundleError, NotFound, StoreError

BUILDING = ".building-"
POINTING = ".CURRENT."
REMOVING = ".removing-"


@dataclass(frozen=True, slots=True)
class Turn:
    """What a publisher holds while it is its turn."""

    home: ModelHome
    disk: Disk
    signer: Signer
    trust: Trust

    def pointer(self) -> Pointer | None:
        """Return the pointer that this turn starts from; None before the first publish."""
        try:
            return self.home.read_pointer(self.trust)
        except NotFound:
            return None

    def next_sequence(self, pointer: Pointer | None) -> int:
        """Return a number higher than that of any version there is or was."""
        known = [sequence_of(v) for v in self.home.versions()]
        known += [event.sequence or 0 for event in self.home.events()]
        return max([*known, pointer.sequence if pointer else 0, 0]) + 1

    def build(self, files: Mapping[str, bytes]) -> Path:
        """Write files into a hidden sibling of the versions, every one and every directory synced; return it."""
        folder = self.home.versions_folder / f"{BUILDING}{uuid.uuid4().hex}"
        with self._or_nothing(folder):
            self.disk.make_dir(folder)
            self._fill(folder, files)
        return folder

    def _fill(self, folder: Path, files: Mapping[str, bytes]) -> None:
        below = sorted({str(parent) for path in files for parent in PurePosixPath(path).parents if str(parent) != "."})
        for name in below:
            self.disk.make_dir(folder / name)
        for path, data in files.items():
            self.disk.write(folder / path, data)
            self.disk.sync(folder / path)
        # A file may be whole on the disk and its name not: each directory is synced after what it holds.
        for name in sorted(below, reverse=True):
            self.disk.sync(folder / name)
        self.disk.sync(folder)

    @contextmanager
    def _or_nothing(self, path: Path) -> Iterator[None]:
        """Let go of what cannot be finished: a full disk is not to be filled by it."""
        try:
            yield
        except Exception:
            self.abandon(path)
            raise

    def name(self, building: Path, version: str) -> Path:
        """Give a built version its immutable name."""
        folder = self.home.version_folder(version)
        self.disk.rename(building, folder)
        self.disk.sync(self.home.versions_folder)
        return folder

    def abandon(self, building: Path) -> None:
        """Remove what was built, as far as the disk lets us: whoever comes next removes the rest."""
        with suppress(OSError, StoreError):
            self.disk.remove(building)

    def drop(self, version: str) -> None:
        """Remove a version: it loses its name in one step, so that nobody ever meets half of it."""
        gone = self.home.versions_folder / f"{REMOVING}{version}"
        self.disk.rename(self.home.version_folder(version), gone)
        self.disk.remove(gone)

    def point(self, pointer: Pointer) -> None:
        """Put a new pointer in the old one's place, in one step."""
        beside = self.home.folder / f"{POINTING}{uuid.uuid4().hex}"
        with self._or_nothing(beside):
            self.disk.write(beside, pointer.to_bytes(self.signer))
            self.disk.sync(beside)
            self.disk.replace(beside, self.home.pointer_path)
        self.disk.sync(self.home.folder)

    def note(self, *events: Event) -> None:
        """Add lines to the log."""
        lines = b"".join(event.to_line() for event in events)
        try:
            old = self.disk.read(self.home.log_path)
        except NotFound:
            old = b""
        # A line that a crash cut short must not swallow the next one.
        self.disk.append(self.home.log_path, (b"\n" if old and not old.endswith(b"\n") else b"") + lines)

    def change(self, pointer: Pointer, what: What, who: str, why: str, **fields: object) -> Pointer:
        """Put other fields into a pointer, note it, and return the pointer that there is then: a generation later."""
        changed = pointer.model_copy(update={"generation": pointer.generation + 1, **fields})
        self.point(changed)
        self.note(event(changed, what, who, why))
        return changed

    def clear_up(self) -> None:
        """Remove what publishers that died have left, and note what the last one had no time to note."""
        for folder, marks in ((self.home.versions_folder, (BUILDING, REMOVING)), (self.home.folder, (POINTING,))):
            for name in self.disk.names(folder):
                if name.startswith(marks):
                    self.disk.remove(folder / name)
        try:
            pointer = self.pointer()
        except BundleError:
            # A pointer that cannot be trusted is for whoever takes this turn to deal with.
            return
        events = self.home.events()
        if pointer is not None and pointer.generation > max((e.generation for e in events), default=0):
            why = "noted afterwards: whoever did it was stopped before it was written down"
            self.note(event(pointer, _what_happened(pointer, events), "unknown", why))


def _what_happened(pointer: Pointer, events: list[Event]) -> What:
    live = [e.version for e in events if e.what in MADE_LIVE]
    if pointer.version not in live:
        return "published"
    if live[-1] != pointer.version:
        return "rolled back"
    return "held" if pointer.holds else "renewed" if pointer.as_of else "released"


def event(pointer: Pointer, what: What, who: str, why: str) -> Event:
    """Return the event that led to a pointer."""
    return Event(
        at=now(),
        who=who,
        what=what,
        why=why,
        model=pointer.model,
        version=pointer.version,
        digest=pointer.digest,
        sequence=pointer.sequence,
        generation=pointer.generation,
    )


@contextmanager
def turn(artifacts: str | Path, name: str, disk: Disk | None = None, *, first: bool = False) -> Iterator[Turn]:
    """Take one's turn at a model.

    Parameters
    ----------
    artifacts : str or pathlib.Path
        The artifacts directory.
    name : str
        The model's name.
    disk : Disk, optional
        How the disk is changed.
    first : bool
        Whether the model's directory is made where there is none.

    Raises
    ------
    NotFound
        There is no such model, and `first` is false.
    PublishConflict
        Another publisher was at work all the while.
    StoreError
        The disk refused.
    """
    home = ModelHome(artifacts, name, disk)
    disk = home.disk
    with told_as_store_error(home.folder):
        if first:
            _make_home(home, disk)
        elif not disk.names(home.folder):
            raise NotFound(
                f"There is no model {name!r}", where=str(artifacts), todo="`penstock models` lists those there are."
            )
        with disk.locked(home.lock_path):
            mine = Turn(home, disk, Signer.own(), Trust.standard())
            mine.clear_up()
            yield mine


def _make_home(home: ModelHome, disk: Disk) -> None:
    disk.make_dir(home.versions_folder)
    # A directory's name is kept by the directory above.
    for folder in (home.folder, home.folder.parent, home.artifacts):
        disk.sync(folder)
