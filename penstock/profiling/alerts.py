"""What a careful reader would ask about, a sentence each."""

from __future__ import annotations

from collections.abc import Iterator

from penstock.profiling.records import Alert, ColumnLook, Duplicates, Missing, Profiled, Relations, Series, TargetLook
from penstock.understanding import MANY_LEVELS

MUCH_MISSING, SOME_MISSING = 0.5, 0.05
DOMINANT, MANY_ZEROS, SKEWED, STRONG, OUTSIDE = 0.9, 0.5, 3.0, 0.95, 0.05
FEWEST_PAIRS = 20


def alerts_of(seen: Profiled) -> tuple[Alert, ...]:
    """Return the alerts of a profile, the table's first, then column by column, then of columns together."""
    found = [*_of_rows(seen.duplicates, seen)]
    for column in seen.columns:
        found += _of_column(column, seen.n_rows)
    return (
        *found,
        *_of_relations(seen.relations),
        *_of_missing(seen.missing),
        *_of_series(seen.series, seen),
        *_of_target(seen.target),
    )


def _of_rows(repeated: Duplicates, seen: Profiled) -> Iterator[Alert]:
    if seen.n_quarantined:
        whole = seen.n_rows + seen.n_quarantined
        what = f"{_count(seen.n_quarantined, 'row')} of {whole:,} cannot be parsed and stand aside."
        yield Alert(sort="rows", column="", what=what)
    if repeated.n_rows:
        share = repeated.n_rows / seen.n_rows
        what = (
            f"{_count(repeated.n_rows, 'row')} ({share:.1%}) {_repeat(repeated.n_rows)} an earlier row in every cell."
        )
        yield Alert(sort="duplicates", column="", what=what)


def _repeat(n: int) -> str:
    return "repeats" if n == 1 else "repeat"


def _are(n: int) -> str:
    return "is" if n == 1 else "are"


def _count(n: int, noun: str) -> str:
    return f"{n:,} {noun}{'' if n == 1 else 's'}"


def _of_column(look: ColumnLook, n_rows: int) -> Iterator[Alert]:
    profile = look.profile
    share = profile.missing / n_rows if n_rows else 0.0

    def alert(sort: str, what: str) -> Alert:
        return Alert.model_validate({"sort": sort, "column": look.name, "what": what})

    if n_rows and not profile.n:
        yield alert("missing", "Nothing is in it: every cell is missing.")
    elif share > MUCH_MISSING:
        yield alert("missing", f"{share:.1%} of its cells are missing: more than there are.")
    elif share > SOME_MISSING:
        yield alert("missing", f"{share:.1%} of its cells are missing.")
    if look.private:
        return
    if look.misfits:
        what = f"{_count(look.misfits, 'cell')} cannot be read as {look.kind}; a run would set their rows aside."
        yield alert("misfits", what)
    if look.infinities:
        what = f"{_count(look.infinities, 'cell')} {_are(look.infinities)} infinite, which is no number to learn from."
        yield alert("infinite", what)
    if look.is_constant:
        what = "It holds one value wherever it is there, and so tells nothing."
        yield from [alert("constant", what)] if n_rows > 1 else []
    elif look.is_unique and look.kind not in ("float", "datetime"):
        yield alert("unique", "Every row has a value of its own: it may name the rows, and cannot be learned from.")
    elif look.kind in ("category", "text") and profile.distinct > MANY_LEVELS:
        what = f"High cardinality: {profile.distinct:,} different texts in {profile.n:,} cells."
        yield alert("levels", what)
    elif look.kind in ("category", "boolean") and look.tops and look.tops[0].count > DOMINANT * profile.n:
        what = f"Imbalance: {look.tops[0].count / profile.n:.1%} of its cells hold {look.tops[0].value!r}."
        yield alert("imbalance", what)
    yield from _of_numbers(look)


def _of_numbers(look: ColumnLook) -> Iterator[Alert]:
    numbers, n = look.profile.numbers, look.profile.n
    if numbers is None or not n or look.kind == "boolean" or look.is_constant:
        return
    if numbers.zeros > MANY_ZEROS * n and look.profile.distinct > 2:
        what = f"Zeros: {numbers.zeros / n:.1%} of its numbers are 0, which may stand for nothing measured."
        yield Alert(sort="zeros", column=look.name, what=what)
    if numbers.skew is not None and abs(numbers.skew) > SKEWED:
        side = "far above" if numbers.skew > 0 else "far below"
        what = f"Skewed: a few numbers lie {side} the others (skewness {numbers.skew:.3g})."
        yield Alert(sort="skewed", column=look.name, what=what)
    if numbers.outside > OUTSIDE * n and numbers.zeros <= MANY_ZEROS * n:
        what = f"{numbers.outside / n:.1%} of its numbers lie beyond Tukey's fences: these are no rare outliers."
        yield Alert(sort="outliers", column=look.name, what=what)


def _of_relations(seen: Relations) -> Iterator[Alert]:
    twins = {t.column for t in seen.twins}
    for twin in seen.twins:
        what = (
            f"A copy of {twin.other!r}, in every row."
            if twin.sort == "copy"
            else f"The values of {twin.other!r} under other names, one for one, in every row."
        )
        yield Alert(sort=twin.sort, column=twin.column, what=what)
    for group in seen.collinear:
        if group.column not in twins:
            yield Alert(sort="collinear", column=group.column, what=f"Follows from others: {group.relation}.")
    strong = [p for p in seen.pairs if abs(p.strength) >= STRONG and not {p.one, p.two} & twins]
    for pair in strong[:FEWEST_PAIRS]:
        measure = {"spearman": "Spearman", "correlation_ratio": "correlation ratio", "cramers_v": "Cramér's V"}
        what = f"Nearly tells {pair.two!r}: {measure[pair.measure]} {pair.strength:.3f}."
        yield Alert(sort="related", column=pair.one, what=what)


def _of_missing(seen: Missing) -> Iterator[Alert]:
    for pair in seen.together:
        what = f"Missing together with {pair.two!r}: in {_count(pair.n_rows, 'row')} both are"
        yield Alert(sort="together", column=pair.one, what=f"{what}, {pair.share:.0%} of those that lack either.")


def _of_series(series: Series | None, seen: Profiled) -> Iterator[Alert]:
    spacing = seen.column(series.time).profile.spacing if series is not None else None
    if series is None or spacing is None or not spacing.missing_periods or not spacing.frequency:
        return
    what = f"Its steps are {spacing.frequency}, and {_count(spacing.missing_periods, 'period')} in between hold no row"
    after = f"; the largest gap comes after {spacing.largest_gap_after}." if spacing.largest_gap_after else "."
    yield Alert(sort="gaps", column=series.time, what=what + after)


def _of_target(target: TargetLook | None) -> Iterator[Alert]:
    for alert in target.suspicious if target is not None else ():
        what = alert.what[:1].upper() + alert.what[1:]
        yield alert.model_copy(update={"what": f"{what}; it may be known only after the fact."})
