"""What is signed of each look-up that a model carries: which table it is, what is in it, and of when it is."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import pyarrow as pa

from penstock.bundle.canonical import table_digest
from penstock.durations import Duration
from penstock.frozen import Frozen
from penstock.steps.relations.again import sources_of
from penstock.steps.relations.travelling import records_of


class Carried(Frozen):
    """A look-up as it was sealed.

    `name` is its own, the table's unless that is looked up in more than once. `digest` is the sha256 of its content,
    in hex, whatever file holds it. `as_of` is when its source was collected, the oldest where it was made of several;
    empty where that was not recorded. `max_age` is in seconds.

    Examples
    --------
    >>> planes = Carried(name="planes", table="planes", digest="ab12cd34ef56" + 52 * "0", rows=3322, max_age="1d",
    ...                  as_of="2026-11-22T03:00:41+00:00", columns=("tailnum", "seats"))
    >>> planes.version
    '20261122T0300Z-ab12cd34ef56'
    >>> planes.is_stale(dt.datetime(2026, 11, 23, 12, tzinfo=dt.UTC))
    True
    """

    name: str
    table: str
    digest: str
    as_of: str
    rows: int
    columns: tuple[str, ...]
    serve: Literal["bundle", "refresh"] = "bundle"
    max_age: Duration | None = None

    @property
    def version(self) -> str:
        """Its moment, to the minute in UTC, and the first digits of its digest."""
        return f"{moment(self.as_of):%Y%m%dT%H%MZ}-{self.digest[:12]}" if self.as_of else self.digest[:12]

    @property
    def stale_from(self) -> float | None:
        """Seconds since 1970 from which on it is too old; None where it may grow as old as it likes."""
        if self.max_age is None or not self.as_of:
            return None
        return moment(self.as_of).timestamp() + self.max_age

    def age(self, now: dt.datetime) -> float | None:
        """Return how old it is, in seconds; None where that was not recorded."""
        return max(0.0, (now - moment(self.as_of)).total_seconds()) if self.as_of else None

    def is_stale(self, now: dt.datetime) -> bool:
        """Whether it is older than it should be."""
        return self.stale_from is not None and now.timestamp() > self.stale_from

    def renewed(self, as_of: str) -> Carried:
        """Return the record of the same table, found to be unchanged at a later moment."""
        newer = not self.as_of or moment(as_of) > moment(self.as_of)
        return self.model_copy(update={"as_of": as_of}) if newer else self


def moment(text: str) -> dt.datetime:
    """Return the moment that a text of ISO 8601 tells, in UTC."""
    told = dt.datetime.fromisoformat(text)
    return told.astimezone(dt.UTC) if told.tzinfo else told.replace(tzinfo=dt.UTC)


def carried_of(
    plan: Mapping[str, Any], tables: Mapping[str, pa.Table], collected: Mapping[str, str]
) -> dict[str, Carried]:
    """Return what is to be signed of each look-up that travels with a model, by its name.

    Parameters
    ----------
    plan : mapping
        The plan's JSON, which says how each look-up is served, and of which sources it was made.
    tables : mapping of str to pyarrow.Table
        The tables, by the look-up's name.
    collected : mapping of str to str
        When each source was collected.
    """
    made: dict[str, Carried] = {}
    for record in records_of(plan):
        if record.travels:
            table, join = tables[record.name], record.join
            made[record.name] = Carried(
                name=record.name,
                table=join.table,
                digest=table_digest(table),
                as_of=_oldest([collected.get(name, "") for name in sorted(sources_of(plan, [record.name]))]),
                rows=table.num_rows,
                columns=tuple(table.column_names),
                serve="refresh" if join.serve == "refresh" else "bundle",
                max_age=join.max_age,
            )
    return made


def _oldest(moments: Sequence[str]) -> str:
    # Of a part of which nothing is known, nothing is known of the whole.
    return min(moments, key=moment) if all(moments) else ""


def told_versions(versions: Mapping[str, str]) -> str:
    """Return look-ups and their versions in one line, as headers and summaries have it.

    Examples
    --------
    >>> told_versions({"planes": "20261122T0300Z-ab12cd34ef56", "airports": "20261101T0000Z-0123456789ab"})
    'planes=20261122T0300Z-ab12cd34ef56, airports=20261101T0000Z-0123456789ab'
    """
    return ", ".join(f"{table}={version}" for table, version in versions.items())
