"""The figures of the evaluation: what the model gets right and wrong on held-out rows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from penstock.receipts import Evaluated, Interval, Trained
from penstock.report.explaining import Drawn, ahead_pictures, explaining_pictures, way_pictures
from penstock.report.facts import Picture
from penstock.report.measured import Curve, LabelCurves, Measured, Spread
from penstock.report.words import clipped, count, metric_title, number, percent
from penstock.table import TableSchema, Target

if TYPE_CHECKING:
    from penstock.plots.curves import Line

MOST_LINES = 8


def evaluation_pictures(
    trained: Trained, evaluated: Evaluated, measured: Measured, schema: TableSchema
) -> tuple[Picture, ...]:
    """Draw the leaderboard, the scores' intervals and the held-out predictions.

    Parameters
    ----------
    trained, evaluated : Trained, Evaluated
        The stages' receipts.
    measured : Measured
        What the metrics file holds.
    schema : TableSchema
        Names the target, and says whether its values are private.

    Returns
    -------
    tuple of Picture
        PNGs of at most 100 kB; nothing is drawn of single rows of a private target.
    """
    from penstock.plots.png import png_bytes
    from penstock.plots.sheet import styled
    from penstock.plots.words import full_names

    target = schema.target
    assert target is not None
    column = next((c for c in schema.columns if c.name == target.name), None)
    unit, private = (column.unit, column.private) if column is not None else ("", False)
    hidden = frozenset(c.name for c in schema.columns if c.private)
    pictures = []
    with styled():
        drawn = [*_always(trained, evaluated), *way_pictures(evaluated, measured)]
        drawn += (
            _classes(measured, target, private)
            if target.is_classification
            else _numbers(measured, target, unit, private)
        )
        drawn += ahead_pictures(evaluated, measured, schema)
        drawn += explaining_pictures(evaluated, measured, schema, hidden)
        known = [*(c.name for c in schema.columns), *target.labels]
        for name, title, caption, figure in drawn:
            names = full_names(figure, known)
            pictures.append(Picture(name=name, title=title, caption=caption, png=png_bytes(figure), names=names))
    return tuple(pictures)


def _always(trained: Trained, evaluated: Evaluated) -> Iterator[Drawn]:
    from penstock.plots.intervals import score_intervals
    from penstock.plots.leaderboard import leaderboard_bars

    metric = metric_title(evaluated.metric)
    scored = [row for row in trained.leaderboard if row.mean is not None]
    if scored:
        caption = (
            f"{count(len(scored), 'candidate')} by {metric}: the mean over the folds, a bar of one standard deviation "
            "to each side, and the folds as points; the chosen one is in colour. Where bars overlap, the order may be "
            "chance."
        )
        yield "leaderboard", "Leaderboard", caption, leaderboard_bars(scored, metric)
    if evaluated.scores:
        scores = {metric_title(k): v for k, v in list(evaluated.scores.items())[:12]}
        baseline = {metric_title(k): v for k, v in evaluated.baseline.items()}
        caption = "Each score with its 95 % interval, above that of the baseline; every panel has its own scale."
        yield "intervals", "Scores with intervals", caption, score_intervals(scores, baseline)


def _classes(measured: Measured, target: Target, private: bool) -> Iterator[Drawn]:
    from penstock.plots.confusion import confusion_matrix
    from penstock.plots.curves import calibration, precision_recall, roc
    from penstock.plots.lift import gain_and_lift

    drawn = measured.curves
    labels = drawn.labels or target.labels
    # The labels of a private target are its values.
    shown = {label: f"class {i + 1}" if private else label for i, label in enumerate(labels)}
    if drawn.confusion:
        counts = np.asarray(drawn.confusion, dtype=np.int64)
        right, total = int(np.trace(counts)), int(counts.sum())
        caption = (
            f"{right:,} of {count(total, 'held-out row')} on the diagonal are predicted rightly; what is dark beside "
            "it is taken for something else."
        )
        if measured.aim.decided:
            caption += f" {clipped(measured.aim.decided)}"
        yield "confusion", "Confusion matrix", caption, confusion_matrix(counts, [shown[label] for label in labels])
    lines = {shown.get(k, k): v for k, v in list(drawn.curves.items())[:MOST_LINES]}
    if found := _lines({k: v.roc for k, v in lines.items()}):
        caption = "How many of a class are found against how many others are taken for it; the diagonal is chance."
        yield "roc", "ROC curve", caption, roc(found)
    if found := _lines({k: v.precision_recall for k, v in lines.items()}):
        caption = "How many of those called a class belong to it, against how many of the class are found."
        yield "precision-recall", "Precision and recall", caption, precision_recall(found)
    if found := _lines({k: v.gain for k, v in lines.items()}):
        yield "gain", "Gain and lift", _gain_caption(found), gain_and_lift(found)
    if found := _lines({k: v.calibration for k, v in lines.items()}):
        spreads = _spreads(lines)
        below = " Below, how many rows get which probability." if spreads else ""
        caption = (
            "Tenths of the rows by predicted probability, against how often it came true; the diagonal is ideal, "
            f"points below it promise too much.{below}"
        )
        yield "calibration", "Calibration", caption, calibration(found, spreads)


def _gain_caption(lines: Sequence[Line]) -> str:
    first = lines[0]
    found = float(np.interp(0.1, first.x, first.y))
    return (
        f"The tenth of the rows with the highest score holds {percent(found)} of all that are "
        f"{clipped(first.label, 30)!r}, {number(10 * found, 2)} times as many as a tenth drawn by chance (dotted)."
    )


def _spreads(lines: dict[str, LabelCurves]) -> list[list[int]]:
    told = [curves.histogram for curves in lines.values() if curves.calibration is not None and curves.calibration.x]
    known = [h for h in told if h is not None and len(h.own) == len(h.others) > 0]
    return [[a + b for a, b in zip(h.own, h.others, strict=True)] for h in known] if len(known) == len(told) else []


def _lines(curves: dict[str, Curve | None]) -> list[Line]:
    from penstock.plots.curves import Line

    return [Line(label, curve.x, curve.y) for label, curve in curves.items() if curve is not None and curve.x]


def _numbers(measured: Measured, target: Target, unit: str, private: bool) -> Iterator[Drawn]:
    from penstock.plots.errors import error_spread, predicted_against_true, residuals

    drawn = measured.curves
    points = ((), ()) if private else (drawn.points.predicted, drawn.points.true)
    # A mean over a tenth of the rows is a value of a private target still.
    along = None if private else drawn.along_prediction
    if points[0] or along is not None:
        means = (along.x, along.y) if along is not None else ((), ())
        shown = f"{count(len(points[0]), 'held-out row')} and the" if points[0] else "The"
        caption = (
            f"{shown} mean true value of each tenth of the rows by prediction; the dotted line is a perfect model."
        )
        figure = predicted_against_true(*points, target.name, unit, means)
        yield "predicted-true", "Predicted against true", caption, figure
    if points[0]:
        caption = "Errors along the prediction: a funnel or a bend would show where the model can still learn."
        yield "residuals", "Errors", caption, residuals(*points, target.name, unit)
    if drawn.error_tenths:
        yield _tenths(measured, target, unit, private)
    if len(drawn.error_quantiles) == 7 and not private:
        _, low, _, middle, _, high, _ = drawn.error_quantiles
        caption = (
            f"Half of the errors are below {number(middle)}, nine of ten between {number(low)} and {number(high)} "
            "(whiskers); marks are the least and the greatest."
        )
        yield "error-spread", "Spread of the errors", caption, error_spread(drawn.error_quantiles, target.name, unit)


def _tenths(measured: Measured, target: Target, unit: str, private: bool) -> Drawn:
    from penstock.plots.tenths import error_tenths

    tenths = measured.curves.error_tenths
    astray = sum(1 for t in tenths if t.bias.low > 0 or t.bias.high < 0)
    told = "none of them is" if not astray else f"{astray} of {len(tenths)} are"
    caption = (
        f"Mean error and mean size of the error in each tenth of the rows by prediction, with 95 % intervals. A tenth "
        f"whose interval misses 0 is predicted too high or too low: {told}."
    )
    at = [None if private else t.at for t in tenths]
    figure = error_tenths(
        at, [_interval(t.bias, t.n) for t in tenths], [_interval(t.absolute, t.n) for t in tenths], target.name, unit
    )
    return "error-deciles", "Errors by tenth of the prediction", caption, figure


def _interval(spread: Spread, n: int) -> Interval:
    return Interval(value=spread.mean, low=spread.low, high=spread.high, n=n)
