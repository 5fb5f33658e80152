"""What was understood of each column: its type and why, how its cells read, and what they are like in training."""

from __future__ import annotations

from penstock.arrays.profile import Profile
from penstock.arrays.records import ColumnProfile
from penstock.plots.words import listed, number
from penstock.report.facts import ColumnFact
from penstock.report.words import clipped
from penstock.table import MISSING_TOKENS, Column, TableSchema

MOST_COLUMNS = 600
MOST_LEVELS = 4
MOST_DOUBTS = 3
MOST_WORDS = 6
# Kept short, so that hundreds of columns still make a page of a few megabytes.
LONGEST = 240


def column_facts(schema: TableSchema, profile: Profile) -> tuple[ColumnFact, ...]:
    """Return what a dossier tells of the columns, the first six hundred of them.

    Parameters
    ----------
    schema : TableSchema
        All columns as they were typed.
    profile : Profile
        Of the training rows.
    """
    return tuple(_fact(column, profile.column(column.name)) for column in schema.columns[:MOST_COLUMNS])


def _fact(column: Column, known: ColumnProfile | None) -> ColumnFact:
    total = known.n + known.missing if known is not None else 0
    about = {
        "name": column.name,
        "table": column.table,
        "kind": column.kind,
        "role": column.role,
        "serve": _given_by(column),
        "private": column.private,
        "missing": known.missing / total if known is not None and total else None,
    }
    if column.private:
        return ColumnFact(**about, unit="", evidence="")
    return ColumnFact(
        **about,
        unit=column.unit or column.suffix.strip() or column.prefix.strip(),
        evidence=clipped(column.evidence, LONGEST),
        distinct=known.distinct if known is not None else None,
        reads=clipped(reads(column), LONGEST),
        values=clipped(values(known), LONGEST) if known is not None else "",
        doubts=tuple(clipped(cell, 60) for cell in column.counter_examples[:MOST_DOUBTS]),
        proposals=tuple(clipped(line, 120) for line in column.proposals[:MOST_DOUBTS]),
    )


def _given_by(column: Column) -> str:
    if column.role not in ("feature", "time", "group"):
        return ""
    return "caller" if column.serve == "request" else f"look-up in {column.table}"


def reads(column: Column) -> str:
    """Return how the raw cells of a column are written, where that is not plain.

    Examples
    --------
    >>> reads(Column(name="price", kind="float", prefix="$", thousands=",", missing=("", "-99")))
    "'$' in front; ',' between thousands; missing: '', '-99'"
    >>> reads(Column(name="price", kind="float"))
    ''
    """
    told = [f"{column.prefix!r} in front"] if column.prefix else []
    told += [f"{column.suffix!r} behind"] if column.suffix else []
    told += (
        [f"units: {listed([f'{unit} = {factor:g}' for unit, factor in column.units.items()])}"] if column.units else []
    )
    told += [f"{column.thousands!r} between thousands"] if column.thousands else []
    told += ["decimal comma"] if column.decimal == "," else ["decimal point or comma"] if column.decimal == ".," else []
    told += [f"true: {_words(column.true_words)}"] if column.true_words else []
    told += [f"false: {_words(column.false_words)}"] if column.false_words else []
    told += [f"as {' or '.join(column.formats)}"] if column.formats else []
    told += [f"times of {column.timezone}"] if column.timezone else []
    told += [f"missing: {_words(column.missing)}"] if column.missing != MISSING_TOKENS else []
    return "; ".join([*told, *_domain(column)])


def _words(words: tuple[str, ...]) -> str:
    more = f" and {len(words) - MOST_WORDS} more" if len(words) > MOST_WORDS else ""
    return ", ".join(repr(word) for word in words[:MOST_WORDS]) + more


def _domain(column: Column) -> list[str]:
    allowed = column.domain
    if allowed is None:
        return []
    ends = [f"at least {allowed.low:g}"] if allowed.low is not None else []
    ends += [f"at most {allowed.high:g}"] if allowed.high is not None else []
    ends += [f"one of {_words(allowed.values)}"] if allowed.values is not None else []
    return [f"allowed: {' and '.join(ends)}"] if ends else []


def values(known: ColumnProfile) -> str:
    """Return what the training values of a column are like; nothing of a private one but how many there are.

    Examples
    --------
    >>> values(ColumnProfile(name="x", kind="text", n=5, missing=0, distinct=5, private=True))
    ''
    """
    if known.private:
        return ""
    seen = known.numbers
    if seen is not None and seen.low is not None:
        spread = f"; mean {number(seen.mean, 3)}, sd {number(seen.sd, 3)}" if known.kind != "boolean" else ""
        return f"{number(seen.low)} to {number(seen.high)}{spread}"
    if known.earliest is not None:
        return f"{known.earliest} to {known.latest}"
    if not known.levels:
        return ""
    told = ", ".join(f"{clipped(level.value, 30)} ({level.count:,})" for level in known.levels[:MOST_LEVELS])
    more = known.n_levels - min(len(known.levels), MOST_LEVELS)
    return f"{told} and {more:,} more" if more > 0 else told
