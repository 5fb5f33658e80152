"""What stands on the page of one column: its facts in words, and its charts."""

from __future__ import annotations

from typing import Any, NamedTuple

from markupsafe import Markup

from penstock.arrays.profile import QUANTILES, Level, Numbers
from penstock.profiling import charts
from penstock.profiling.records import ColumnLook, Histogram
from penstock.profiling.words import (
    KINDS,
    MONTHS,
    NONE,
    ROLES,
    WEEKDAYS,
    clipped,
    count,
    moment,
    number,
    percent,
    size,
    span,
    value_of,
)

# More levels than these nobody reads one by one.
MANY = 30


class Picture(NamedTuple):
    """A chart and the words below it."""

    svg: Markup
    caption: str


class Bar(NamedTuple):
    """A value with its rows, and their share as a bar."""

    value: str
    n: int
    share: str
    bar: Markup | None


class ColumnView(NamedTuple):
    """One column as the page shows it."""

    look: ColumnLook
    anchor: str
    kind: str
    role: str
    missing: str
    missing_share: float
    spark: Markup | None
    summary: str
    facts: list[tuple[str, str]]
    more: list[tuple[str, str]]
    pictures: list[Picture]
    bars: list[Bar]
    alerts: list[str]


def view_of(look: ColumnLook, place: int, n_rows: int, alerts: list[str]) -> ColumnView:
    """Return a column in words and charts.

    Parameters
    ----------
    look : ColumnLook
        What was found.
    place : int
        Its number in the table, for its address on the page.
    n_rows : int
        How many rows the table has.
    alerts : list of str
        What there is to ask about it.
    """
    profile = look.profile
    share = profile.missing / n_rows if n_rows else 0.0
    shown = not look.private and profile.n > 0
    pictures = _pictures(look) if shown else []
    return ColumnView(
        look=look,
        anchor=f"c{place}",
        kind="private" if look.private else KINDS.get(look.kind, look.kind),
        role="" if look.private else ROLES.get(look.role, look.role),
        missing=percent(share),
        missing_share=share,
        spark=_spark(look) if shown else None,
        summary=_summary(look) if shown else "",
        facts=_facts(look, n_rows) if shown else [("missing", _missing(look, n_rows))],
        more=_more(look) if shown else [],
        pictures=pictures,
        bars=_bars(look) if shown else [],
        alerts=alerts,
    )


def _missing(look: ColumnLook, n_rows: int) -> str:
    n = look.profile.missing
    return f"{n:,} ({percent(n / n_rows)})" if n_rows and n else "none"


def _summary(look: ColumnLook) -> str:
    numbers = look.profile.numbers
    if look.kind == "boolean" or look.kind in ("category", "text"):
        return clipped(", ".join(level.value for level in look.tops[:3]) or "all differ", 60)
    if look.kind == "datetime":
        return f"{moment(look.profile.earliest)} to {moment(look.profile.latest)}"
    if numbers is None or numbers.low is None:
        return NONE
    middle = numbers.quantiles[QUANTILES.index(0.5)] if numbers.quantiles else None
    told = [value_of(look.kind, value) for value in (numbers.low, middle, numbers.high)]
    return f"{told[0]} … {told[1]} … {told[2]}"


def _facts(look: ColumnLook, n_rows: int) -> list[tuple[str, str]]:
    profile = look.profile
    facts = [
        ("there", f"{profile.n:,} of {count(n_rows, 'row')}"),
        ("missing", _missing(look, n_rows)),
        ("different values", f"{profile.distinct:,} ({percent(profile.distinct / profile.n)})"),
    ]
    if look.misfits:
        facts.append(("cannot be read", count(look.misfits, "cell")))
    if look.unit:
        facts.append(("unit", look.unit))
    facts.append(("in memory", size(look.n_bytes)))
    traits = [
        word
        for word, holds in (
            ("every row has its own", look.is_unique),
            ("one value only", look.is_constant),
            (f"{look.order} from row to row", look.order in ("ascending", "descending") and n_rows > 1),
        )
        if holds
    ]
    if traits:
        facts.append(("traits", ", ".join(traits)))
    if profile.entropy is not None:
        facts.append(("entropy", f"{number(profile.entropy)} bits"))
    if profile.kind == "datetime":
        facts += _of_dates(look)
    if look.texts is not None:
        facts += _of_texts(look)
    return facts


def _of_dates(look: ColumnLook) -> list[tuple[str, str]]:
    profile, spacing = look.profile, look.profile.spacing
    facts = [("earliest", moment(profile.earliest)), ("latest", moment(profile.latest))]
    if spacing is None:
        return facts
    if spacing.frequency:
        facts.append(("steps", f"{spacing.frequency}, {percent(spacing.share or 0.0)} of them"))
        facts.append(("periods without a row", f"{spacing.missing_periods or 0:,}"))
    else:
        facts.append(("steps", "of no one length"))
    if spacing.largest_gap_seconds is not None:
        after = f" after {moment(spacing.largest_gap_after)}" if spacing.largest_gap_after else ""
        facts.append(("largest gap", span(spacing.largest_gap_seconds) + after))
    return facts


def _of_texts(look: ColumnLook) -> list[tuple[str, str]]:
    texts, lengths = look.texts, look.profile.lengths
    if texts is None or lengths is None:
        return []
    facts = [
        ("characters in a text", f"{lengths.fewest:,} to {lengths.most:,}, {number(texts.mean_length)} on average")
    ]
    if texts.mean_words is not None:
        facts.append(("words in a text", f"{number(texts.mean_words)} on average, at most {texts.most_words:,}"))
    signs = [f"{name} {percent(share)}" for name, share in texts.signs.items() if share]
    some = "" if texts.n >= look.profile.distinct else f" (of the first {texts.n:,} different ones)"
    if texts.words:
        told = ", ".join(f"{clipped(word.value, 24)} {word.count:,}" for word in texts.words)
        facts.append(("most frequent words", told))
    facts.append(("cells that hold" + some, ", ".join(signs) or "none of these"))
    return facts


def _more(look: ColumnLook) -> list[tuple[str, str]]:
    numbers = look.profile.numbers
    if numbers is None or look.kind == "boolean" or numbers.low is None:
        return []
    quantiles = [
        ("lowest" if q == 0 else "highest" if q == 1 else "median" if q == 0.5 else f"{100 * q:g} %", value)
        for q, value in zip(QUANTILES, numbers.quantiles, strict=True)
    ]
    facts = [(name, value_of(look.kind, value)) for name, value in quantiles]
    facts += [
        ("mean", value_of(look.kind, numbers.mean)),
        ("standard deviation", number(numbers.sd)),
        ("variance", number(numbers.sd * numbers.sd) if numbers.sd is not None else NONE),
        ("sum", number(numbers.mean * look.profile.n) if numbers.mean is not None else NONE),
        ("median deviation", number(look.deviation)),
        ("range", _between(numbers.quantiles[0], numbers.quantiles[-1])),
        ("middle half", _between(*(numbers.quantiles[QUANTILES.index(q)] for q in (0.25, 0.75)))),
        ("skewness", number(numbers.skew)),
        ("kurtosis", number(numbers.kurtosis)),
        ("variation", number(numbers.sd / abs(numbers.mean)) if numbers.sd and numbers.mean else NONE),
        ("zeros", _counted(numbers.zeros, look)),
        ("negative", _counted(numbers.negatives, look)),
        ("infinite", _counted(look.infinities, look)),
        ("fences", " to ".join(value_of(look.kind, f) for f in numbers.fences)),
        ("beyond the fences", _counted(numbers.outside, look)),
        ("lowest values", _ends(look.lowest)),
        ("highest values", _ends(look.highest)),
    ]
    return facts


def _between(low: float | None, high: float | None) -> str:
    return number(high - low) if low is not None and high is not None else NONE


def _ends(levels: tuple[Level, ...]) -> str:
    return ", ".join(f"{level.value} ({level.count:,} times)" if level.count > 1 else level.value for level in levels)


def _counted(n: int, look: ColumnLook) -> str:
    return f"{n:,} ({percent(n / look.profile.n)})" if n else "none"


def _bars(look: ColumnLook) -> list[Bar]:
    if not look.tops:
        return []
    total = look.profile.n
    most = max(level.count for level in look.tops)
    found = [
        Bar(level.value, level.count, percent(level.count / total), charts.share_bar(level.count / most))
        for level in look.tops
    ]
    # A bar of all others would dwarf those of the values.
    rest = [Bar("all others together", look.rest, percent(look.rest / total), None)] if look.rest else []
    return found + rest


def _spark(look: ColumnLook) -> Markup | None:
    if look.histogram is not None:
        return charts.spark(look.histogram.counts)
    return charts.spark([level.count for level in look.tops]) if look.tops else None


def _pictures(look: ColumnLook) -> list[Picture]:
    found = [_histogram(look)] if look.histogram is not None else []
    if look.moments is not None:
        found += _when(look)
    if look.texts is not None and look.texts.lengths is not None and _is_long(look):
        edges, counts = look.texts.lengths.edges, look.texts.lengths.counts
        told = f"How long the texts of {clipped(look.name)} are, in characters."
        whole = edges[0] != round(edges[0])
        labels = [
            f"{edges[i] + 0.5:.0f} characters" if whole else f"{edges[i]:.0f} to {edges[i + 1]:.0f} characters"
            for i in range(len(counts))
        ]
        ends = (f"{edges[0] + 0.5 * whole:.0f} characters", f"{edges[-1] - 0.5 * whole:.0f}")
        found.append(Picture(charts.upright(counts, labels, told, ends=ends), told))
    return found


def _is_long(look: ColumnLook) -> bool:
    """Whether the lengths of a column's texts tell more than its levels do."""
    return look.kind == "text" or look.profile.distinct > MANY


def _histogram(look: ColumnLook) -> Picture:
    seen = look.histogram
    assert seen is not None
    edges, each = seen.edges, _is_each(look, seen)
    labels = [
        f"{edges[i] + 0.5:,.0f}" if each else f"{value_of(look.kind, edges[i])} to {value_of(look.kind, edges[i + 1])}"
        for i in range(len(seen.counts))
    ]
    ends = (labels[0], labels[-1]) if each else (value_of(look.kind, edges[0]), value_of(look.kind, edges[-1]))
    told = f"How often {clipped(look.name)} has which value: {count(len(seen.counts), 'bar')}"
    told += f" over {look.profile.n:,} cells"
    told += ", one for each whole number" if each else ""
    beyond = [f"{n:,} {side}" for n, side in ((seen.below, "below"), (seen.above, "above")) if n]
    told += f"; {' and '.join(beyond)} lie beyond what is drawn" if beyond else ""
    box = _box(seen, look.profile.numbers)
    told += ". The box below holds the middle half, its line the median; the thin line ends at the outlier fences."[
        : None if box else 1
    ]
    return Picture(charts.upright(seen.counts, labels, told, ends=ends, box=box), told)


def _is_each(look: ColumnLook, seen: Histogram) -> bool:
    return look.kind in ("integer", "float") and seen.edges[1] - seen.edges[0] == 1 and seen.edges[0] % 1 == 0.5


def _box(seen: Histogram, numbers: Numbers | None) -> str:
    if numbers is None or not numbers.quantiles:
        return ""
    low, middle, high = (numbers.quantiles[QUANTILES.index(q)] for q in (0.25, 0.5, 0.75))
    if low is None or middle is None or high is None or numbers.low is None or numbers.high is None:
        return ""
    fences = [f if f is not None else end for f, end in zip(numbers.fences, (numbers.low, numbers.high), strict=True)]
    return charts.box_marks(seen, (low, middle, high), (max(fences[0], numbers.low), min(fences[1], numbers.high)))


def _when(look: ColumnLook) -> list[Picture]:
    seen, name = look.moments, clipped(look.name)
    assert seen is not None
    told = f"On which weekdays the dates of {name} fall."
    found = [Picture(charts.upright(seen.weekdays, WEEKDAYS, told, under=[d[:2] for d in WEEKDAYS]), told)]
    told = f"In which months the dates of {name} fall."
    found.append(Picture(charts.upright(seen.months, MONTHS, told, under=[m[:3] for m in MONTHS]), told))
    if seen.hours:
        told = f"In which hours of the day the moments of {name} fall, in UTC."
        hours = [f"{h}:00" for h in range(24)]
        under = [str(h) if h % 3 == 0 else "" for h in range(24)]
        found.append(Picture(charts.upright(seen.hours, hours, told, under=under), told))
    return found


def counts_of(columns: Any) -> dict[str, int]:
    """Return how many columns are of which kind, in words."""
    found: dict[str, int] = {}
    for column in columns:
        found[column.kind] = found.get(column.kind, 0) + 1
    return found
