"""A profile as one HTML file: no request, one small script of ours, readable in the dark, on paper, without script."""

from __future__ import annotations

import base64
import functools
import hashlib
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from penstock.profiling import charts
from penstock.profiling.records import Profiled
from penstock.profiling.view import Picture, counts_of, view_of
from penstock.profiling.words import MEASURES, clipped, count, number, percent, size, value_of

if TYPE_CHECKING:
    from jinja2 import Environment

_here = Path(__file__).parent / "templates"
# Of more features than these the weaker ones stand in the table alone.
MOST_DRAWN = 40
MOST_ALERTS = 100


def profile_html(seen: Profiled) -> bytes:
    """Return a profile as one self-contained HTML file in UTF-8.

    Parameters
    ----------
    seen : Profiled
        Everything that was found. What it holds is escaped, whatever it is.

    Returns
    -------
    bytes
        A page whose own policy allows nothing but its own script and style, and no request.
    """
    by_column: dict[str, list[str]] = {}
    for alert in seen.alerts:
        by_column.setdefault(alert.column, []).append(alert.what)
    columns = [view_of(look, i, seen.n_rows, by_column.get(look.name, [])) for i, look in enumerate(seen.columns)]
    style, script = _file("profile.css"), _file("profile.js")
    page = (
        _environment()
        .get_template("profile.html.j2")
        .render(
            p=seen,
            columns=columns,
            anchors={view.look.name: view.anchor for view in columns},
            kinds=counts_of(columns),
            alerts=list(by_column.items())[:MOST_ALERTS],
            more_alerts=max(0, len(by_column) - MOST_ALERTS),
            style=style,
            script=script,
            style_hash=_hash(style),
            script_hash=_hash(script),
            heat=_heat(seen),
            legend=charts.legend(),
            clouds=_clouds(seen),
            strips=_strips(seen),
            series=_series(seen),
            against=_against(seen),
            n_shown=max((len(look.first) for look in seen.columns), default=0),
        )
    )
    return page.encode()


@functools.cache
def _environment() -> Environment:
    from jinja2 import Environment, FileSystemLoader, StrictUndefined

    made = Environment(
        loader=FileSystemLoader(_here), autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    made.filters |= {"count": count, "percent": percent, "number": number, "size": size, "clipped": clipped}
    made.globals["measures"] = MEASURES
    return made


@functools.cache
def _file(name: str) -> Any:
    from markupsafe import Markup

    return Markup((_here / name).read_text(encoding="utf-8"))  # noqa: S704 - our own file, not data


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def _heat(seen: Profiled) -> Picture | None:
    relations = seen.relations
    if not relations.columns:
        return None
    told = f"How strongly each of {count(len(relations.columns), 'column')} is related to each other"
    told += " (the stronger, the fuller the colour; orange: one falls as the other rises). Numbers by Spearman's rank "
    told += "correlation, numbers with names by the correlation ratio, names with names by Cramér's V; "
    told += _over(seen)
    kinds = [[MEASURES[measure] for measure in row] for row in relations.measures]
    return Picture(charts.heatmap(relations.columns, relations.matrix, kinds, told), told)


def _over(seen: Profiled) -> str:
    n = seen.relations.n_sample
    if n == seen.n_rows:
        return "over all rows."
    return f"over {n:,} rows drawn with a fixed seed; Pearson's correlation and all counts are over all rows."


def _clouds(seen: Profiled) -> list[Picture]:
    found = []
    kinds = {look.name: look.kind for look in seen.columns}
    for cloud in seen.relations.clouds:
        told = f"{clipped(cloud.one)} (to the right) and {clipped(cloud.two)} (upwards)"
        told += ": the more rows, the fuller the colour"
        told += f"; {cloud.outside:,} rows lie beyond what is drawn." if cloud.outside else "."
        ends = tuple(
            (value_of(kinds[name], side[0]), value_of(kinds[name], side[1]))
            for name, side in ((cloud.one, cloud.x), (cloud.two, cloud.y))
        )
        found.append(Picture(charts.cloud(cloud, told, (ends[0], ends[1])), told))
    return found


def _strips(seen: Profiled) -> Picture | None:
    if not seen.missing.columns:
        return None
    told = "Where along the rows, from the first to the last, cells are missing: the more, the fuller the colour."
    if seen.missing.left_out:
        told += f" {seen.missing.left_out:,} further columns, with fewer gaps, are not drawn."
    return Picture(charts.strips(seen.missing.columns, seen.missing.strips, told), told)


def _series(seen: Profiled) -> list[Picture]:
    if seen.series is None:
        return []
    told = (
        f"How many rows there are along {clipped(seen.series.time)}, in {len(seen.series.counts)} spans of one length."
    )
    edges = [edge.replace("T", " ").removesuffix(" 00:00:00") for edge in seen.series.edges]
    labels = [f"{a} to {b}" for a, b in pairwise(edges)]
    found = [Picture(charts.upright(seen.series.counts, labels, told, ends=(edges[0], edges[-1])), told)]
    for line in seen.series.lines:
        known = [m for m in line.means if m is not None]
        if not known:
            continue
        told = f"The mean of {clipped(line.column)} in each span; the line breaks where there is no row."
        sides = (number(min(known)), number(max(known)))
        found.append(Picture(charts.line(line.means, told, (edges[0], edges[-1]), sides), told))
        if line.correlation:
            lags = len(line.correlation)
            strongest = max(range(lags), key=lambda i: line.correlation[i]) + 1
            told = f"How {clipped(line.column)} is correlated with itself 1 to {lags} steps before; most with "
            told += f"{count(strongest, 'step')} before ({line.correlation[strongest - 1]:.2f})."
            sides = (number(min(line.correlation)), number(max(line.correlation)))
            found.append(Picture(charts.line(line.correlation, told, ("1 step", f"{lags} steps"), sides), told))
    return found


def _against(seen: Profiled) -> list[Picture]:
    target = seen.target
    if target is None:
        return []
    found = []
    for feature in target.features[:MOST_DRAWN]:
        if len(feature.groups) < 2:
            continue
        strong = (
            f" ({MEASURES[feature.measure]} {feature.strength:.2f})" if feature.measure and feature.strength else ""
        )
        told = (
            f"{clipped(target.of, 60)} by {clipped(feature.column)}{strong}, with 95 % intervals and numbers of rows."
        )
        drawn = charts.dots(feature.groups, target.overall, told, is_share=target.is_share)
        found.append(Picture(drawn, told))
    return found
