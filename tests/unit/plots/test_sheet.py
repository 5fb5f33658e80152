"""The sheet that figures are drawn on, and its way to PNG."""

from __future__ import annotations

import io

import matplotlib as mpl
import numpy as np
from PIL import Image

from penstock.plots.png import png_bytes, shrunk
from penstock.plots.sheet import PALETTE, hues, sheet, styled


def _noise(width: float = 8.0):
    figure, (ax,) = sheet(1, across=1, width=width, height=6.0)
    ax.imshow(np.random.default_rng(0).random((400, 500)), cmap="viridis")
    return figure


def test_the_style_ends_with_its_block():
    """Drawing leaves matplotlib's settings, which belong to the whole process, as they were."""
    mpl.rcParams["font.size"] = 17.0
    before = dict(mpl.rcParams)
    with styled():
        assert mpl.rcParams["font.size"] == 9.0
    assert dict(mpl.rcParams) == before
    mpl.rcParams["font.size"] = mpl.rcParamsDefault["font.size"]


def test_the_style_of_a_user_does_not_reach_the_figures():
    """The same figure has the same bytes whatever a user's own settings are."""
    with styled():
        first = png_bytes(_noise(2.0))
    with mpl.rc_context({"lines.linewidth": 9.0, "axes.labelsize": 30, "savefig.dpi": 7}), styled():
        assert png_bytes(_noise(2.0)) == first


def test_a_figure_is_unknown_to_pyplot():
    """Nothing stays behind in pyplot's register of open figures."""
    import matplotlib.pyplot as plt

    _noise()
    assert plt.get_fignums() == []


def test_a_png_keeps_to_its_limit():
    """Noise, which compresses worst, is drawn coarser until it fits."""
    with styled():
        data = png_bytes(_noise(), limit=100_000)
    assert len(data) <= 100_000
    assert Image.open(io.BytesIO(data)).width >= 300


def test_a_png_tells_neither_date_nor_software():
    """The bytes depend on the figure alone."""
    with styled():
        data = png_bytes(_noise(2.0))
    assert not any(chunk in data for chunk in (b"tEXt", b"tIME", b"iTXt", b"zTXt", b"eXIf"))


def test_a_png_can_be_shrunk_and_is_never_enlarged():
    """For a page with little room a picture is made narrower; a narrow one keeps its width."""
    with styled():
        data = png_bytes(_noise())
    wide = Image.open(io.BytesIO(data)).width
    assert Image.open(io.BytesIO(shrunk(data, 200))).width == 200
    assert Image.open(io.BytesIO(shrunk(data, 5000))).width == wide


def test_colours_differ_however_many_are_asked_for():
    """Beyond the palette a ramp is used."""
    assert hues(3) == list(PALETTE[:3])
    assert len(set(hues(10))) == 10
    assert len(set(hues(4, ordered=True))) == 4


def test_panels_that_are_not_needed_are_taken_away():
    """Five panels in rows of three leave no empty sixth."""
    figure, axes = sheet(5, across=3)
    assert len(axes) == len(figure.axes) == 5
