"""The figures of what a model goes by: importance, effects, worst slices, learning curve, challenge, horizon."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

from penstock.receipts import Evaluated, Interval
from penstock.report.explained import Effects, Example, importance_note, name_of
from penstock.report.measured import Measured
from penstock.report.words import clipped, count, metric_title, number
from penstock.steps.hidden import is_hidden
from penstock.table import TableSchema

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Drawn = tuple[str, str, str, "Figure"]
MOST_SLICES = 12


def way_pictures(evaluated: Evaluated, measured: Measured) -> Iterator[Drawn]:
    """Draw how the model came to be and whom it is up against: the learning curve, and the champion.

    Parameters
    ----------
    evaluated : Evaluated
        The stage's receipt.
    measured : Measured
        What the metrics file holds.
    """
    metric = metric_title(evaluated.metric)
    if measured.learning is not None and len(measured.learning.points) > 1:
        yield _learning(measured, metric)
    if (drawn := _challenge(evaluated, measured, metric)) is not None:
        yield drawn


def _challenge(evaluated: Evaluated, measured: Measured, metric: str) -> Drawn | None:
    from penstock.plots.challenge import challenge_scores

    found = measured.champion
    if found is None or found.difference is None or found.champion is None or found.challenger is None:
        return None
    own, other, gap = found.challenger, found.champion, found.difference
    version = found.version or evaluated.verdict.champion or ""
    sided = "better" if gap.low > 0 else "worse" if gap.high < 0 else ""
    verdict = f"the candidate is {sided}" if sided else "the interval holds 0, so neither is shown to be better"
    caption = (
        f"{metric} of both on the same {count(gap.n, 'held-out row')}: {number(own)} against {number(other)}; paired "
        f"difference {number(gap.value)}, 95 % interval {number(gap.low)} to {number(gap.high)}: {verdict}."
    )
    figure = challenge_scores((version, other), own, gap, metric)
    return "challenge", "Champion against challenger", caption, figure


def _learning(measured: Measured, metric: str) -> Drawn:
    from penstock.plots.learning import Learned, learning_curve

    assert measured.learning is not None
    found = measured.learning
    points = [Learned(p.n, p.value, p.low, p.high, p.learned) for p in found.points]
    last, before = points[-1], points[-2]
    sign = measured.sign
    # A last step of less than a quarter of its interval's width is not told from none.
    rising = sign * (last.value - before.value) > (last.high - last.low) / 4
    more = "is still getting better: more rows may help" if rising else "is about flat: more rows alone may help little"
    note = f" {clipped(found.note[:1].upper() + found.note[1:])}." if found.note else ""
    gap = "; a wide gap to the rows learned from speaks of overfitting" if last.learned is not None else ""
    ends = f"{clipped(found.answer)}{gap}" if found.answer else f"At its end the curve {more}{gap}"
    caption = (
        f"{metric} of the chosen recipe fitted on {points[0].n:,} to {last.n:,} training rows, with a 95 % band. "
        f"{ends}.{note}"
    )
    return "learning-curve", "Learning curve", caption, learning_curve(points, metric)


def ahead_pictures(evaluated: Evaluated, measured: Measured, schema: TableSchema) -> Iterator[Drawn]:
    """Draw a forecast along its horizon.

    Parameters
    ----------
    evaluated, measured
        As for `way_pictures`.
    schema : TableSchema
        Names the target; single origins are drawn of none that is private.
    """
    from penstock.plots.ahead import Origin, forecast_examples, horizon_errors

    target = schema.target
    assert target is not None
    column = next((c for c in schema.columns if c.name == target.name), None)
    if measured.horizon:
        steps = [f"{a.first}" if a.first == a.last else f"{a.first}\u2013{a.last}" for a in measured.horizon]
        better = sum(a.own.value < a.naive.value for a in measured.horizon)
        metric = metric_title(evaluated.metric)
        caption = (
            f"{metric} by how many steps ahead a row lies, with 95 % intervals over blocks of time: the model is below "
            f"the seasonal naive forecast in {better} of {len(steps)} parts of the horizon."
        )
        figure = horizon_errors(steps, [a.own for a in measured.horizon], [a.naive for a in measured.horizon], metric)
        yield "horizon-errors", "Errors along the horizon", caption, figure
    shown = [e for e in measured.examples if e.steps and len(e.steps) == len(e.true) == len(e.predicted)]
    if shown and column is not None and not column.private:
        origins = [Origin(_titled(e), e.steps, e.true, e.predicted, e.naive, e.low, e.high) for e in shown]
        caption = (
            f"What was forecast from {count(len(origins), 'moment')} spread over the held-out time, and what came "
            "true. Look for peaks that come late and for truth outside the band."
        )
        yield (
            "forecast-examples",
            "Forecasts and what came true",
            caption,
            forecast_examples(origins, target.name, column.unit),
        )


def _titled(example: Example) -> str:
    when = example.origin.removesuffix(":00") if example.origin.count(":") > 1 else example.origin
    return f"{example.series}, from {when}" if example.series else f"from {when}"


def explaining_pictures(
    evaluated: Evaluated, measured: Measured, schema: TableSchema, private: frozenset[str]
) -> Iterator[Drawn]:
    """Draw what the model goes by, and where it is worst.

    Parameters
    ----------
    evaluated, measured, schema
        As for `ahead_pictures`.
    private : frozenset of str
        The names of private columns, of which nothing else is told.
    """
    target = schema.target
    assert target is not None
    if (drawn := _importance(measured, target.name)) is not None:
        yield drawn
    effects = measured.effects
    if effects is not None and target.name not in private:
        shown = effects.model_copy(update={"features": tuple(f for f in effects.features if f.feature not in private)})
        if shown.features:
            yield _effects(shown, schema)
    if (slices := _slices(evaluated, measured, private)) is not None:
        yield slices


def _importance(measured: Measured, target: str) -> Drawn | None:
    from penstock.plots.importance import MOST_BARS, importance_bars

    found = measured.importance
    # Bars of nothing would be an empty figure; a sentence says it.
    if found is None or all(row.mean == row.low == row.high == 0 for row in found.features):
        return None
    rows = found.features[:MOST_BARS]
    falls = [Interval(value=row.mean, low=row.low, high=row.high, n=found.n) for row in rows]
    first = name_of(rows[0].feature, target)
    caption = (
        f"{importance_note(found)} The longest bar is {clipped(first, 40)!r}. Lines are 95 % intervals over rows; a "
        "grey bar may be nothing. What another column tells too is not missed, so related columns share what they "
        "matter."
    )
    names = [name_of(row.feature, target) for row in rows]
    return "importance", "What the model goes by", caption, importance_bars(names, falls, metric_title(found.metric))


def _effects(effects: Effects, schema: TableSchema) -> Drawn:
    from penstock.plots.effects import Effect, Moved, effect_panels
    from penstock.plots.words import axis, listed

    target = schema.target
    assert target is not None
    units = {c.name: c.unit for c in schema.columns}
    drawn = [
        Effect(
            f.feature,
            f.kind,
            f.x,
            f.levels,
            f.n,
            [Moved(line.label, line.y, line.low, line.high) for line in f.lines],
            units.get(f.feature, ""),
        )
        for f in effects.features
    ]
    what = (
        "change of probability"
        if target.is_classification
        else f"change of {axis(target.name, units[target.name], 18)}"
    )
    labels = [repr(clipped(line.label, 24)) for line in effects.features[0].lines]
    moved = f"the probability of {listed(labels)} moves" if target.is_classification else "the prediction moves"
    along = f"{len(drawn)} most important features" if len(drawn) > 1 else "most important feature"
    note = f" {effects.note[:1].upper()}{effects.note[1:]}." if effects.note else ""
    caption = (
        f"How {moved} along the {along}, all else as it is in {count(effects.n, 'held-out row')}: accumulated local "
        "effects of numbers and dates, mean change by level of categories; 0 is the average, bands are 95 % intervals."
        f"{note}"
    )
    return "effects", "Which way features move the prediction", caption, effect_panels(drawn, what)


def _slices(evaluated: Evaluated, measured: Measured, private: frozenset[str]) -> Drawn | None:
    from penstock.plots.slices import Group, worst_slices

    overall = evaluated.scores.get(evaluated.metric)
    # What a step derives from a column is named after it.
    known = [p for p in measured.slices if not is_hidden(p.column, private)]
    sign = measured.sign
    groups = []
    for part in known:
        if part.value is None or part.low is None or part.high is None or overall is None:
            continue
        span = Interval(value=part.value, low=part.low, high=part.high, n=part.n)
        worse = part.high < overall.value if sign > 0 else part.low > overall.value
        groups.append(Group(f"{clipped(part.column, 26)}: {clipped(part.level, 26)}", span, worse))
    if not groups or overall is None:
        return None
    groups = sorted(groups, key=lambda group: (sign * group.score.value, group.name))[:MOST_SLICES]
    least = min(part.n for part in known)
    n_worse = sum(group.worse for group in groups)
    caption = (
        f"The worst {len(groups)} of {count(len(known), 'group')} of held-out rows that were looked at, each of at "
        f"least {least:,} rows, with 95 % intervals; {n_worse} of them {'is' if n_worse == 1 else 'are'} worse than "
        "all rows by the whole interval. Of many groups some look bad by chance alone."
    )
    return "slices", "Where the model is worst", caption, worst_slices(groups, overall, metric_title(evaluated.metric))
