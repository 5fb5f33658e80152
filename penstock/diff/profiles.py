"""Two numeric profiles of training rows compared, column by column; of private columns the share of missing alone."""

from __future__ import annotations

from typing import NamedTuple

from penstock.arrays.profile import Profile
from penstock.arrays.quantiles import QUANTILES
from penstock.arrays.records import ColumnProfile, Numbers
from penstock.diff.difference import Change
from penstock.plots.words import listed, number
from penstock.report.words import percent

# What a reader should see first: a mean that moved by so many standard deviations counts like a whole share of cells.
MOST_LEVELS = 5


class Shift(NamedTuple):
    """How far a column moved, to sort by, and how that is told."""

    size: float
    change: Change


def profile_changes(one: Profile, other: Profile, private: frozenset[str]) -> list[Change]:
    """Return what changed in the columns that both know, the largest shifts first.

    Parameters
    ----------
    one, other : Profile
        Of the training rows.
    private : frozenset of str
        Columns of which nothing is told but the share of missing.
    """
    shifts = []
    for name, before in one.columns.items():
        after = other.columns.get(name)
        if after is None or after.kind != before.kind:
            continue
        hidden = name in private or before.private or after.private
        if (shift := _shift(name, before, after, hidden)) is not None:
            shifts.append(shift)
    return [shift.change for shift in sorted(shifts, key=lambda s: (-s.size, s.change.what))]


def _shift(name: str, before: ColumnProfile, after: ColumnProfile, hidden: bool) -> Shift | None:
    gone = [_missing(column) for column in (before, after)]
    size = abs(gone[1] - gone[0])
    told = [[f"missing {percent(share)}"] if gone[0] != gone[1] else [] for share in gone]
    notes: list[str] = []
    if not hidden:
        if before.numbers is not None and after.numbers is not None:
            size += _numbers(before.numbers, after.numbers, told, notes)
        elif before.earliest is not None and (before.earliest, before.latest) != (after.earliest, after.latest):
            size += 0.1
            for lines, column in zip(told, (before, after), strict=True):
                lines.append(f"{column.earliest} to {column.latest}")
        elif before.levels or after.levels:
            size += _levels(before, after, told, notes)
    if told == [[], []] and not notes:
        return None
    return Shift(size, Change(what=name, before=", ".join(told[0]), after=", ".join(told[1]), note="; ".join(notes)))


def _missing(column: ColumnProfile) -> float:
    return column.missing / max(1, column.n + column.missing)


def _numbers(before: Numbers, after: Numbers, told: list[list[str]], notes: list[str]) -> float:
    for what in ("mean", "sd", "low", "high"):
        values = getattr(before, what), getattr(after, what)
        if values[0] != values[1]:
            for lines, value in zip(told, values, strict=True):
                lines.append(f"{ {'low': 'least', 'high': 'greatest'}.get(what, what) } {number(value)}")
    scale = before.sd or after.sd
    if not scale or before.mean is None or after.mean is None:
        return 0.0
    moved = (after.mean - before.mean) / scale
    if abs(moved) >= 0.005:
        notes.append(f"the mean moved by {moved:+.2f} sd")
    steps = [
        (abs(new - old) / scale, share, (new - old) / scale)
        for share, old, new in zip(QUANTILES, before.quantiles, after.quantiles, strict=False)
        if old is not None and new is not None
    ]
    furthest = max(steps, default=(0.0, 0.0, 0.0))
    if furthest[0] >= 0.005:
        notes.append(f"the {100 * furthest[1]:g} % quantile by {furthest[2]:+.2f} sd")
    return max(abs(moved), furthest[0])


def _levels(before: ColumnProfile, after: ColumnProfile, told: list[list[str]], notes: list[str]) -> float:
    seen = [{level.value: level.count / max(1, c.n) for level in c.levels} for c in (before, after)]
    # A level that is not listed may be there all the same.
    whole = [c.n_levels <= len(c.levels) for c in (before, after)]
    new = [value for value in seen[1] if value not in seen[0]] if whole[0] else []
    gone = [value for value in seen[0] if value not in seen[1]] if whole[1] else []
    notes += [f"new: {listed(new, MOST_LEVELS)}"] if new else []
    notes += [f"gone: {listed(gone, MOST_LEVELS)}"] if gone else []
    if before.n_levels != after.n_levels:
        for lines, column in zip(told, (before, after), strict=True):
            lines.append(f"{column.n_levels:,} levels")
    moved = [(abs(seen[1][value] - share), value) for value, share in seen[0].items() if value in seen[1]]
    furthest = max(moved, default=(0.0, ""))
    if furthest[0] >= 0.0005:
        for lines, shares in zip(told, seen, strict=True):
            lines.append(f"{listed([furthest[1]])} {percent(shares[furthest[1]])}")
    return max(furthest[0], sum(seen[1][value] for value in new), sum(seen[0][value] for value in gone))
