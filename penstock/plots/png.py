"""A figure as PNG: small, bounded, and the same bytes for the same figure."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from matplotlib.figure import Figure
    from PIL.Image import Image

LIMIT = 100_000
# From fine to coarse: dots an inch, and colours.
_QUALITIES = ((130, 96), (110, 64), (90, 32), (70, 16), (50, 8))


def png_bytes(figure: Figure, limit: int = LIMIT) -> bytes:
    """Draw a figure and return its PNG, with neither date nor software in it, of at most `limit` bytes.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        Made by one of this package's functions; its canvas is Agg's.
    limit : int
        The coarser of five qualities is taken until it fits; the coarsest is taken if none does.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    canvas = figure.canvas
    assert isinstance(canvas, FigureCanvasAgg)
    data = b""
    for dots, colours in _QUALITIES:
        figure.set_dpi(dots)
        canvas.draw()  # type: ignore[no-untyped-call]  # matplotlib types its canvases in part
        pixels = np.asarray(canvas.buffer_rgba())  # type: ignore[no-untyped-call]
        # Where things stand hangs on no resolution, and finding it is half of the work.
        figure.set_layout_engine("none")
        data = _encoded(_image(pixels), colours)
        if len(data) <= limit:
            break
    return data


def shrunk(png: bytes, width: int, colours: int = 48) -> bytes:
    """Return a PNG at most `width` dots wide.

    Parameters
    ----------
    png : bytes
        Any PNG.
    width : int
        Dots.
    colours : int
        Size of the palette.
    """
    from PIL import Image

    with Image.open(io.BytesIO(png)) as opened:
        image = opened.convert("RGB")
    if image.width > width:
        image = image.resize((width, max(1, round(image.height * width / image.width))), Image.Resampling.LANCZOS)
    return _encoded(image, colours)


def _image(rgba: np.ndarray) -> Image:
    from PIL import Image

    return Image.fromarray(np.ascontiguousarray(rgba[..., :3]))


def _encoded(image: Image, colours: int) -> bytes:
    from PIL import Image

    # A palette is a quarter of the size of full colour, and on plots of few colours nobody sees the difference.
    flat = image.quantize(colours, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE)
    out = io.BytesIO()
    flat.save(out, "PNG", compress_level=9)
    return out.getvalue()
