"""The figures of the evaluation: what the model gets right and wrong on held-out rows."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from penstock.receipts import Evaluated, Trained
from penstock.report.facts import Picture
from penstock.report.measured import Curve, Measured
from penstock.report.words import count, metric_title, number
from penstock.table import TableSchema, Target

if TYPE_CHECKING:
    from matplotlib.figure import Figure

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

    target = schema.target
    assert target is not None
    column = next((c for c in schema.columns if c.name == target.name), None)
    unit, private = (column.unit, column.private) if column is not None else ("", False)
    pictures = []
    with styled():
        drawn = [*_always(trained, evaluated)]
        drawn += _classes(measured, target) if target.is_classification else _numbers(measured, target, unit, private)
        for name, title, caption, figure in drawn:
            pictures.append(Picture(name=name, title=title, caption=caption, png=png_bytes(figure)))
    return tuple(pictures)


Drawn = tuple[str, str, str, "Figure"]


def _always(trained: Trained, evaluated: Evaluated) -> Iterator[Drawn]:
    from penstock.plots.intervals import score_intervals
    from penstock.plots.leaderboard import leaderboard_bars

    metric = metric_title(evaluated.metric)
    scored = [row for row in trained.leaderboard if row.mean is not None]
    if scored:
        caption = f"{count(len(scored), 'candidate')} by {metric} over the folds; the chosen one is in colour."
        yield "leaderboard", "Leaderboard", caption, leaderboard_bars(scored, metric)
    if evaluated.scores:
        scores = {metric_title(k): v for k, v in list(evaluated.scores.items())[:12]}
        baseline = {metric_title(k): v for k, v in evaluated.baseline.items()}
        caption = "Each score with its 95 % interval, above that of the baseline; every panel has its own scale."
        yield "intervals", "Scores with intervals", caption, score_intervals(scores, baseline)


def _classes(measured: Measured, target: Target) -> Iterator[Drawn]:
    from penstock.plots.confusion import confusion_matrix
    from penstock.plots.curves import calibration, precision_recall, roc

    drawn = measured.curves
    if drawn.confusion:
        counts = np.asarray(drawn.confusion, dtype=np.int64)
        right, total = int(np.trace(counts)), int(counts.sum())
        caption = f"{right:,} of {count(total, 'held-out row')} on the diagonal are predicted rightly."
        yield "confusion", "Confusion matrix", caption, confusion_matrix(counts, drawn.labels or target.labels)
    lines = dict(list(drawn.curves.items())[:MOST_LINES])
    if found := _lines({k: v.roc for k, v in lines.items()}):
        caption = "How many of a class are found against how many others are taken for it; the diagonal is chance."
        yield "roc", "ROC curve", caption, roc(found)
    if found := _lines({k: v.precision_recall for k, v in lines.items()}):
        caption = "How many of those called a class belong to it, against how many of the class are found."
        yield "precision-recall", "Precision and recall", caption, precision_recall(found)
    if found := _lines({k: v.calibration for k, v in lines.items()}):
        caption = "Tenths of the rows by predicted probability, against how often it came true; the diagonal is ideal."
        yield "calibration", "Calibration", caption, calibration(found)


def _lines(curves: dict[str, Curve | None]) -> list[Line]:
    from penstock.plots.curves import Line

    return [Line(label, curve.x, curve.y) for label, curve in curves.items() if curve is not None and curve.x]


def _numbers(measured: Measured, target: Target, unit: str, private: bool) -> Iterator[Drawn]:
    from penstock.plots.errors import error_spread, predicted_against_true, residuals

    drawn = measured.curves
    points = ((), ()) if private else (drawn.points.predicted, drawn.points.true)
    along = drawn.along_prediction
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
    if len(drawn.error_quantiles) == 7:
        _, low, _, middle, _, high, _ = drawn.error_quantiles
        caption = (
            f"Half of the errors are below {number(middle)}, nine of ten between {number(low)} and {number(high)} "
            "(whiskers); marks are the least and the greatest."
        )
        yield "error-spread", "Spread of the errors", caption, error_spread(drawn.error_quantiles, target.name, unit)
