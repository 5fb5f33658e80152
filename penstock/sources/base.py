"""What every source can do: tell its state, and be collected into a snapshot."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, ClassVar

import numpy as np
import numpy.typing as npt
import pyarrow as pa
from pydantic import BeforeValidator, Field

from penstock.errors import DataError, NoRows, SourceError
from penstock.frozen import Frozen
from penstock.receipts import FrameRef, Part, Snapshot
from penstock.sources.columns import Alignment
from penstock.sources.intake import Intake
from penstock.sources.places.access import Access
from penstock.sources.places.finding import LocalPlace, Place, check_file, places
from penstock.sources.places.opening import opened
from penstock.spool import Mixed, Spool
from penstock.store import Store

SourceName = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$")]


def _one_or_many(value: object) -> object:
    if isinstance(value, str | os.PathLike):
        return (os.fspath(value),)
    return tuple(os.fspath(v) if isinstance(v, os.PathLike) else v for v in value) if isinstance(value, list) else value


Paths = Annotated[tuple[str, ...], BeforeValidator(_one_or_many), Field(min_length=1)]


class SourceBase(Frozen, ABC):
    """Where a raw table comes from. `max_quarantined` is the share of rows that may fail to parse."""

    name: SourceName
    max_quarantined: float = Field(default=0.05, ge=0, le=1)

    @property
    @abstractmethod
    def uri(self) -> str:
        """Where it lies, with no secret in it."""

    @abstractmethod
    def state(self) -> str | None:
        """Return a text that changes whenever the source's content does.

        None where that cannot be told: then it has to be collected to know.
        """

    @abstractmethod
    def collect(self, store: Store, earlier: Snapshot | None = None) -> Snapshot:
        """Bring the source into the store.

        Parameters
        ----------
        store : Store
            Where the bytes as they came go, and the raw table.
        earlier : Snapshot, optional
            What the last run brought; what is unchanged since need not be fetched again.

        Raises
        ------
        SourceError
            It is absent, unreadable, empty or has no rows; a column's name is blank or stands twice.
        SourceUnavailable
            It did not answer; another try may help.
        """

    def peek(self, store: Store) -> pa.Table:
        """Return some first rows, to see the columns: as cheaply as the kind allows, through the store if need be."""
        return store.read_table(self.collect(store).table)

    def taken(
        self,
        parts: tuple[Part, ...],
        table: FrameRef,
        intake: Intake,
        store: Store,
        *,
        origin: dict[str, str] | None = None,
        watermark: str | None = None,
    ) -> Snapshot:
        """Return the receipt of what was collected, once it is known that not too much of it was set aside."""
        intake.check(table.n_rows, self.uri)
        if not table.n_rows:
            raise NoRows("The source has no rows", where=self.uri, expected="at least one row")
        return Snapshot(
            name=self.name,
            kind=getattr(self, "kind", ""),
            uri=self.uri,
            collected_at=dt.datetime.now(dt.UTC).isoformat(timespec="seconds"),
            n_rows=table.n_rows,
            n_bytes=sum(part.file.size for part in parts),
            sha256=joint([part.file.digest for part in parts]),
            parts=parts,
            table=table,
            n_quarantined=intake.n_aside,
            quarantine=store.put_table(intake.table()) if intake.n_aside else None,
            origin=origin or {},
            watermark=watermark,
            remarks=tuple(intake.remarks),
        )


class FileSource(SourceBase, ABC):
    """One file, or several with the same columns that are stacked in their order.

    `path` may be a path, a pattern, a directory, an address (`file:`, `https:`, `s3:`, `gs:`, `abfs:`), or several.
    Compressed files are unpacked; of a ZIP archive all files of the kind are read, or those that `member` matches.
    `file_column` adds a column that holds each row's file name. `access` is how remote places are reached.
    """

    suffixes: ClassVar[tuple[str, ...]] = ()
    # Records name their own keys, and not each of them all: what a file lacks is missing there.
    ragged: ClassVar[bool] = False
    # Where cells have types and columns have none, a column of several is text.
    mixed: ClassVar[Mixed] = "refuse"

    path: Paths
    member: str | None = None
    file_column: str | None = None
    access: Access = Access()

    @property
    def uri(self) -> str:
        """The files' addresses."""
        from penstock.sources.places.finding import shown

        return " ".join(shown(p) for p in self.path)

    def state(self) -> str | None:
        """Return the digest of the files' states; None where one of them cannot be told."""
        states = [place.state() for place in self._places()]
        return None if None in states else joint([s for s in states if s is not None])

    def collect(self, store: Store, earlier: Snapshot | None = None) -> Snapshot:
        """Bring the files into the store, and stack the rows that they hold."""
        known = {part.name: part for part in earlier.parts} if earlier else {}
        parts = tuple(place.fetch(store, known.get(place.name)) for place in self._places())
        intake = Intake(self.max_quarantined)
        return self.taken(parts, self._table(parts, store, intake), intake, store)

    def peek(self, store: Store) -> pa.Table:
        """Return the first rows of the first file; the rest of it is not read."""
        place = self._places()[0]
        with TemporaryDirectory(prefix="penstock-", dir=store.scratch()) as folder:
            if isinstance(place, LocalPlace):
                check_file(place.path)
                file = Path(place.path)
            else:
                file = store.fetched(place.fetch(store, None).file, Path(folder))
            # No row is set aside by looking: the run itself will tell.
            first = next(self._read(file, place.name, Path(folder), Intake(1.0)), None)
        if first is None:
            raise NoRows("The source has no rows", where=self.uri, expected="at least one row")
        return first[0]

    @abstractmethod
    def tables(self, file: Path, where: str, intake: Intake) -> Iterable[pa.Table]:
        """Give the raw rows of one plain file, as one table or piece by piece.

        Parameters
        ----------
        file : pathlib.Path
            A plain file on this machine.
        where : str
            What errors call it.
        intake : Intake
            Takes the rows that cannot be parsed, and remarks.

        Raises
        ------
        SourceError
            The file is not of this kind, has no row, or a name is blank or stands twice.
        """

    def lines_in(self, file: Path, where: str) -> npt.NDArray[np.int64]:
        """Return the line on which each row of a plain file begins, 0 where the kind has no lines or they are unknown.

        Parameters
        ----------
        file, where
            As for `tables`.
        """
        return np.zeros(sum(table.num_rows for table in self.tables(file, where, Intake(1.0))), np.int64)

    def row_lines(
        self, parts: Sequence[Part], store: Store, scratch: Path
    ) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
        """Give, file by file, what it is called and the line on which each of its rows begins; 0 where unknown."""
        for part in parts:
            for path, called in self._opened(store.fetched(part.file, scratch), part.name, scratch, Intake(1.0)):
                yield called, self.lines_in(path, called)

    def _places(self) -> tuple[Place, ...]:
        return places(self.path, self.access, self.suffixes)

    def _table(self, parts: Sequence[Part], store: Store, intake: Intake) -> FrameRef:
        align = Alignment()
        with Spool(store, self.mixed) as spool:
            for table, where in self._pieces(parts, store, intake):
                spool.add(table if self.ragged else align(table, where))
            if not spool.n_rows:
                raise NoRows("The source has no rows", where=self.uri, expected="at least one row")
            try:
                return spool.finish()
            except DataError as error:
                raise SourceError(
                    "Files to be stacked have columns of different types",
                    where=self.uri,
                    got=f"{error.what}: {error.got}",
                    todo=error.todo,
                ) from error

    def _pieces(self, parts: Sequence[Part], store: Store, intake: Intake) -> Iterator[tuple[pa.Table, str]]:
        with TemporaryDirectory(prefix="penstock-", dir=store.scratch()) as folder:
            for part in parts:
                yield from self._read(store.fetched(part.file, Path(folder)), part.name, Path(folder), intake)

    def _read(self, file: Path, name: str, scratch: Path, intake: Intake) -> Iterator[tuple[pa.Table, str]]:
        for path, called in self._opened(file, name, scratch, intake):
            for table in self.tables(path, called, intake):
                # A member of an archive is known by its own name, a file among others by what tells it from them.
                short = called if called == name else called.rpartition("/")[2]
                yield self._named(table, called, short), called

    def _opened(self, file: Path, name: str, scratch: Path, intake: Intake) -> Iterator[tuple[Path, str]]:
        return opened(
            file,
            name,
            scratch,
            suffixes=self.suffixes,
            member=self.member,
            max_bytes=self.access.max_bytes,
            intake=intake,
        )

    def _named(self, table: pa.Table, name: str, short: str) -> pa.Table:
        if self.file_column is None:
            return table
        if self.file_column in table.column_names:
            words = f"The files have a column {self.file_column!r} already"
            raise SourceError(words, where=name, todo="Choose another `file_column`.")
        names = pa.repeat(pa.scalar(short, pa.string()), table.num_rows)
        return table.append_column(self.file_column, names)


def joint(digests: Sequence[str]) -> str:
    """Return one digest for several in their order."""
    return digests[0] if len(digests) == 1 else hashlib.sha256("\n".join(digests).encode()).hexdigest()
