"""Charts as inline SVG: crisp at any size, coloured by the page's own style sheet, with words for who cannot see them.

They are drawn from counts, and so their size does not hang on the number of rows. Whatever comes from data is escaped.
"""

from __future__ import annotations

from collections.abc import Sequence

from markupsafe import Markup, escape

from penstock.profiling.records import Cloud, Group, Histogram
from penstock.profiling.words import clipped, number

WIDTH, HEIGHT = 400, 110
SHADES = 6


def _svg(body: str, width: float, height: float, told: str, kind: str = "") -> Markup:
    size = f'width="{width:g}" viewBox="0 0 {width:g} {height:g}"'
    head = f'<svg class="chart{f" {kind}" if kind else ""}" {size} role="img" aria-label="{escape(told)}">'
    return Markup(f"{head}<title>{escape(told)}</title>{body}</svg>")  # noqa: S704 - all texts in it are escaped


def _text(x: float, y: float, words: str, side: str = "") -> str:
    kind = f' class="{side}"' if side else ""
    return f'<text x="{x:g}" y="{y:g}"{kind}>{escape(words)}</text>'


def upright(
    counts: Sequence[int],
    labels: Sequence[str],
    told: str,
    *,
    ends: tuple[str, str] | None = None,
    under: Sequence[str] = (),
    box: str = "",
) -> Markup:
    """Draw upright bars, each with its label and count as its title.

    Parameters
    ----------
    counts : sequence of int
        The heights.
    labels : sequence of str
        What each bar stands for.
    told : str
        What the chart shows, in words.
    ends : tuple of str, optional
        What stands below the first bar and the last.
    under : sequence of str
        What stands below each bar instead.
    box : str
        More to draw below the bars.
    """
    most, step = max(*counts, 1), WIDTH / len(counts)
    gap = min(2.0, step / 5)
    floor = HEIGHT - 18
    bars = []
    for i, (n, label) in enumerate(zip(counts, labels, strict=True)):
        height = max((floor - 6) * n / most, 1.0) if n else 0
        place = f'x="{i * step:.1f}" y="{floor - height:.1f}" width="{step - gap:.1f}" height="{height:.1f}"'
        if n:
            bars.append(f"<rect {place}><title>{escape(label)}: {n:,}</title></rect>")
    words = [_text((i + 0.5) * step, HEIGHT - 4, word, "mid") for i, word in enumerate(under) if word]
    if ends is not None:
        words = [_text(0, HEIGHT - 4, ends[0]), _text(WIDTH, HEIGHT - 4, ends[1], "end")]
    line = f'<path class="axis" d="M0 {floor}.5H{WIDTH}"/>'
    return _svg("".join(bars) + line + box + "".join(words), WIDTH, HEIGHT, told)


def box_marks(histogram: Histogram, quartiles: tuple[float, float, float], whiskers: tuple[float, float]) -> str:
    """Return a box from quartile to quartile with its median, and whiskers, to be drawn over a histogram's axis."""
    low, high = histogram.edges[0], histogram.edges[-1]

    def x(value: float) -> float:
        return WIDTH * min(max((value - low) / (high - low), 0.0), 1.0)

    y = HEIGHT - 18
    left, middle, right = (x(q) for q in quartiles)
    return (
        f'<path class="box" d="M{x(whiskers[0]):.1f} {y}H{x(whiskers[1]):.1f}"/>'
        f'<rect class="box" x="{left:.1f}" y="{y - 3}" width="{max(right - left, 1.0):.1f}" height="6"/>'
        f'<path class="median" d="M{middle:.1f} {y - 5}v10"/>'
    )


def share_bar(share: float) -> Markup:
    """Draw one share as a lying bar; its number stands beside it."""
    width = max(100 * min(share, 1.0), 1.0) if share else 0
    return Markup(  # noqa: S704 - numbers only
        f'<svg class="share" viewBox="0 0 100 10" preserveAspectRatio="none" aria-hidden="true">'
        f'<rect width="{width:.1f}" height="10"/></svg>'
    )


def spark(counts: Sequence[int]) -> Markup:
    """Draw a tiny histogram for a row of a table; the numbers stand elsewhere."""
    most, step = max(*counts, 1), 80 / len(counts)
    path = "".join(
        f"M{i * step:.1f} 20v-{max(20 * n / most, 0.6):.1f}h{step:.1f}V20" for i, n in enumerate(counts) if n
    )
    return Markup(f'<svg class="spark" viewBox="0 0 80 20" aria-hidden="true"><path d="{path}"/></svg>')  # noqa: S704 - numbers only


def heatmap(
    names: Sequence[str], matrix: Sequence[Sequence[float | None]], kinds: Sequence[Sequence[str]], told: str
) -> Markup:
    """Draw strengths between -1 and 1 as shades; each cell says its pair and number.

    Parameters
    ----------
    names : sequence of str
        The columns.
    matrix : sequence of sequence of float
        The strengths, None where there is none.
    kinds : sequence of sequence of str
        By which measure.
    told : str
        What the chart shows, in words.
    """
    k = len(names)
    cell = 30 if k <= 14 else 20 if k <= 32 else 13
    longest = max(len(clipped(name, 22)) for name in names)
    left, top = 12 + 6.5 * longest, 8
    font = "small" if cell < 18 else ""
    parts = []
    for i, row in enumerate(matrix):
        y = top + i * cell
        parts.append(_text(left - 5, y + cell / 2 + 4, clipped(names[i], 22), f"end {font}".strip()))
        for j, value in enumerate(row):
            if value is None:
                continue
            side = "" if value >= 0 else ' class="minus"'
            shade = f"{min(abs(value), 1.0) * 0.94 + 0.06:.2f}"
            words = f"{clipped(names[i], 60)} and {clipped(names[j], 60)}: {kinds[i][j]} {value:.2f}"
            parts.append(
                f'<rect x="{left + j * cell:g}" y="{y}" width="{cell - 1}" height="{cell - 1}" fill-opacity="{shade}"'
                f"{side}><title>{escape(words)}</title></rect>"
            )
    bottom = top + k * cell + 6
    for j, name in enumerate(names):
        x = left + j * cell + cell / 2 + 3
        parts.append(
            f'<text transform="translate({x:g} {bottom}) rotate(-60)" class="end {font}">'
            f"{escape(clipped(name, 22))}</text>"
        )
    return _svg("".join(parts), left + k * cell + 10, bottom + 8 + 6 * longest, told, "heat")


def legend() -> Markup:
    """Draw the scale of a heatmap from -1 to 1."""
    cells = []
    for i in range(-10, 11):
        look = f'fill-opacity="{abs(i) / 10 * 0.94 + 0.06:.2f}"' + ("" if i >= 0 else ' class="minus"')
        cells.append(f'<rect x="{10 + (i + 10) * 10}" y="2" width="10" height="12" {look}/>')
    words = _text(15, 28, "-1", "mid") + _text(115, 28, "0", "mid") + _text(215, 28, "1", "mid")
    return _svg("".join(cells) + words, 230, 32, "The scale: orange is -1, pale is 0, blue is 1.", "scale")


def cloud(seen: Cloud, told: str, ends: tuple[tuple[str, str], tuple[str, str]]) -> Markup:
    """Draw how many rows lie in each cell of a grid, one path for each shade.

    Parameters
    ----------
    seen : Cloud
        The counts.
    told : str
        What the chart shows, in words.
    ends : tuple
        The first and the last value of the lying axis and of the upright one.
    """
    cell, left, foot = 10, 64, 20
    side = cell * seen.width
    most = max(*seen.counts, 1)
    paths: list[list[str]] = [[] for _ in range(SHADES)]
    for at, n in enumerate(seen.counts):
        if n:
            y, x = divmod(at, seen.width)
            # The root, for few rows are still to be seen beside many.
            shade = min(int((n / most) ** 0.5 * SHADES), SHADES - 1)
            paths[shade].append(f"M{left + x * cell} {side - (y + 1) * cell}h{cell}v{cell}h-{cell}z")
    drawn = [
        f'<path fill-opacity="{(i + 1) / SHADES:.2f}" d="{"".join(path)}"/>' for i, path in enumerate(paths) if path
    ]
    words = (
        _text(left, side + 14, ends[0][0])
        + _text(left + side, side + 14, ends[0][1], "end")
        + _text(left - 4, side, ends[1][0], "end")
        + _text(left - 4, 10, ends[1][1], "end")
    )
    frame = f'<path class="axis" d="M{left}.5 0V{side}.5H{left + side}"/>'
    return _svg("".join(drawn) + frame + words, left + side + 4, side + foot, told, "cloud")


def strips(names: Sequence[str], shares: Sequence[Sequence[float]], told: str) -> Markup:
    """Draw for each column where along the rows its cells are missing: the more, the fuller the colour."""
    left, row, width = 150, 15, 450
    parts = []
    for i, (name, line) in enumerate(zip(names, shares, strict=True)):
        y = i * row
        step = width / len(line)
        parts.append(_text(left - 5, y + 11, clipped(name, 22), "end"))
        parts.append(f'<rect class="ground" x="{left}" y="{y + 1}" width="{width}" height="{row - 2}"/>')
        for j, share in enumerate(line):
            if share:
                parts.append(
                    f'<rect x="{left + j * step:.1f}" y="{y + 1}" width="{step:.1f}" height="{row - 2}" '
                    f'fill-opacity="{share * 0.9 + 0.1:.2f}"/>'
                )
    foot = len(names) * row
    words = _text(left, foot + 14, "first row") + _text(left + width, foot + 14, "last row", "end")
    return _svg("".join(parts) + words, left + width + 4, foot + 18, told, "strips")


def dots(groups: Sequence[Group], overall: float | None, told: str, *, is_share: bool) -> Markup:
    """Draw the target in groups of rows: a dot with its 95 % interval each, and a line for all rows."""
    left, row, width, right = 130, 18, 200, 100
    ends = [g.low for g in groups] + [g.high for g in groups] + ([overall] if overall is not None else [])
    low, high = min(ends), max(ends)
    if not high > low:
        low, high = low - 0.5, high + 0.5

    def x(value: float) -> float:
        return left + 6 + (width - 12) * (value - low) / (high - low)

    parts = []
    if overall is not None:
        parts.append(f'<path class="median" d="M{x(overall):.1f} 0V{len(groups) * row}"/>')
    for i, group in enumerate(groups):
        y = i * row + row / 2
        value = f"{100 * group.value:.1f} %" if is_share else number(group.value)
        words = f"{clipped(group.label, 60)}: {value} of {group.n:,} rows"
        parts.append(_text(left - 5, y + 4, clipped(group.label, 22), "end"))
        parts.append(f'<path class="span" d="M{x(group.low):.1f} {y:g}H{x(group.high):.1f}"/>')
        parts.append(f'<circle cx="{x(group.value):.1f}" cy="{y:g}" r="4"><title>{escape(words)}</title></circle>')
        parts.append(_text(left + width + 4, y + 4, f"{value} · {group.n:,}"))
    return _svg("".join(parts), left + width + right, len(groups) * row, told, "dots")


def line(values: Sequence[float | None], told: str, ends: tuple[str, str], sides: tuple[str, str]) -> Markup:
    """Draw values from left to right; where there is none the line is broken.

    Parameters
    ----------
    values : sequence of float
        The values, None for a gap.
    told : str
        What the chart shows, in words.
    ends, sides : tuple of str
        What stands at the first value and the last, and at the lowest and the highest.
    """
    left, width, height = 64, 536, 110
    known = [v for v in values if v is not None]
    low, high = (min(known), max(known)) if known else (0.0, 1.0)
    room = (high - low) or 1.0
    step = width / max(len(values) - 1, 1)
    path, dots_, pen = [], [], False
    for i, value in enumerate(values):
        if value is None:
            pen = False
            continue
        x, y = left + i * step, 6 + (height - 28) * (1 - (value - low) / room)
        path.append(f"{'L' if pen else 'M'}{x:.1f} {y:.1f}")
        alone = not pen and (i + 1 == len(values) or values[i + 1] is None)
        if alone:
            dots_.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="2"/>')
        pen = True
    words = (
        _text(left, height - 3, ends[0])
        + _text(left + width, height - 3, ends[1], "end")
        + _text(left - 4, height - 20, sides[0], "end")
        + _text(left - 4, 12, sides[1], "end")
    )
    axis = f'<path class="axis" d="M{left}.5 0V{height - 17}.5H{left + width}"/>'
    body = f'<path class="line" d="{"".join(path)}"/>' + "".join(dots_) + axis + words
    return _svg(body, left + width + 4, height, told, "long")
