"""One question to a database, from the estimate to rows in the store."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Mapping
from dataclasses import dataclass

from penstock.errors import SourceError
from penstock.receipts import FileRef, FrameRef, Part, Snapshot
from penstock.sources.database.dates import Bound
from penstock.sources.database.session import Question, Session
from penstock.sources.database.spill import Spill
from penstock.sources.database.watermark import Watermark, beyond, check_mark, highest, last_mark, newest
from penstock.sources.intake import Intake
from penstock.store import Store

# An estimate of fewer rows is not worth a remark.
_MANY = 100_000
_MEDIA = "application/vnd.apache.arrow.file"


@dataclass(frozen=True)
class Wish:
    """What is to be read, and how much of it at most."""

    name: str
    asked: Question
    relative: Mapping[str, Bound]
    max_rows: int | None
    watermark: Watermark | None


@dataclass(frozen=True)
class Brought:
    """What came: the whole table, the files that it is made of, and what the database told."""

    table: FrameRef
    parts: tuple[Part, ...]
    origin: dict[str, str]
    watermark: str | None


def bring(session: Session, wish: Wish, store: Store, intake: Intake, earlier: Snapshot | None) -> Brought:
    """Read what is wished for, or what is new of it.

    Raises
    ------
    SourceError
        There are more rows than allowed, or the columns cannot serve.
    """
    origin = session.facts() | _told(wish)
    mark = wish.watermark
    before = _continued(mark, origin, earlier)
    asked = wish.asked
    if mark is not None:
        last = mark.initial if before is None else _last(mark, before, store)
        asked = beyond(asked, mark, last, session)
    _look_before(session, asked, wish, origin, intake)
    with Spill(store) as spill:
        _read(session, asked, wish.max_rows, spill)
        if mark is None or before is None:
            return _whole(session, spill, wish, origin)
        if spill.names == list(before.table.columns):
            return _added(session, spill, wish.name, mark, store, intake, origin, before)
    intake.remark("The columns are others than before: all rows are read anew.")
    return bring(session, wish, store, intake, None)


def _told(wish: Wish) -> dict[str, str]:
    """Return what the receipt says of the question: no parameter's value but moments that are counted from now."""
    told = {"statement": wish.asked.sql if wish.asked.table is None else wish.asked.sql.replace("\\:", ":")}
    if wish.relative:
        told["params"] = json.dumps({k: str(v) for k, v in wish.relative.items()}, sort_keys=True)
    return told


def _continued(mark: Watermark | None, origin: Mapping[str, str], earlier: Snapshot | None) -> Snapshot | None:
    """Return what was read before, if what is new can be put behind it."""
    if mark is None or earlier is None or earlier.watermark is None or mark.column not in earlier.table.columns:
        return None
    # Rows of another window are not what the spec asks for today.
    return earlier if earlier.origin.get("params") == origin.get("params") else None


def _last(mark: Watermark, before: Snapshot, store: Store) -> Bound:
    kind = store.read_table(before.table).schema.field(mark.column).type
    return last_mark(before.watermark or "", kind)


def _look_before(session: Session, asked: Question, wish: Wish, origin: dict[str, str], intake: Intake) -> None:
    estimate = session.estimate(asked)
    if estimate is None:
        return
    origin["estimate"] = str(estimate)
    if estimate >= _MANY:
        intake.remark(f"The database expected about {estimate:,} rows.")
    # An estimate may be far off, so it is a reason to count and not to refuse.
    if wish.max_rows is not None and estimate > wish.max_rows and session.more_than(wish.max_rows, asked):
        raise _too_many(session, f"about {estimate:,} rows, as the database expects", wish.max_rows)


def _too_many(session: Session, got: str, most: int) -> SourceError:
    return SourceError(
        "There are more rows than allowed",
        where=session.address.shown,
        got=got,
        expected=f"at most {most:,} (max_rows)",
        todo="Raise `max_rows`, or read less by a `query`.",
    )


def _read(session: Session, asked: Question, most: int | None, spill: Spill) -> None:
    # Closed in any case, so that nobody waits for rows that are not wanted.
    with contextlib.closing(session.blocks(asked)) as blocks:  # type: ignore[type-var]  # a generator closes
        for block in blocks:
            spill.add(block)
            if most is not None and spill.n_rows > most:
                raise _too_many(session, f"more than {most:,} rows", most)


def _whole(session: Session, spill: Spill, wish: Wish, origin: dict[str, str]) -> Brought:
    schema = spill.schema(session.declared)
    fetched = spill.kept(schema)
    mark = wish.watermark
    if mark is None:
        return Brought(fetched, (_part(wish.name, fetched),), origin, None)
    check_mark(mark, schema, session)
    rows = spill.columns(schema, list(dict.fromkeys((mark.column, *mark.key))))
    keep = newest(rows, mark) if mark.key else None
    table = fetched if keep is None else spill.kept(schema, keep)
    return Brought(table, (_part(wish.name, fetched),), origin, highest(rows.column(mark.column)))


def _added(
    session: Session,
    spill: Spill,
    name: str,
    mark: Watermark,
    store: Store,
    intake: Intake,
    origin: dict[str, str],
    earlier: Snapshot,
) -> Brought:
    """Put what is new behind what was read before."""
    if not spill.n_rows:
        intake.remark("Nothing is new since the last run; nothing was fetched.")
        return Brought(earlier.table, earlier.parts, origin, earlier.watermark)
    n_new = spill.n_rows
    intake.remark(f"{n_new:,} rows are new since the last run; {earlier.n_rows:,} were read before.")
    fetched = spill.kept(spill.schema(session.declared))
    before = store.read_table(earlier.table)
    with Spill(store) as both:
        both.put(before)
        both.put(store.read_table(fetched))
        schema = both.schema(session.declared)
        check_mark(mark, schema, session)
        rows = both.columns(schema, list(dict.fromkeys((mark.column, *mark.key))))
        table = both.kept(schema, newest(rows, mark) if mark.key else None)
        parts = (_part(f"{name}: rows before", earlier.table), _part(f"{name}: new rows", fetched))
        return Brought(table, parts, origin, highest(rows.column(mark.column)))


def _part(name: str, ref: FrameRef) -> Part:
    return Part(name=name, file=FileRef(digest=ref.digest, path=ref.path, size=ref.size, media=_MEDIA))
