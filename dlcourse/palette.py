"""PNG figures with a palette of 256 colours: a third of the bytes, for small notebooks and fast pages."""

import base64
import io

import numpy as np
from matplotlib.figure import Figure
from PIL import Image

VISIBLE = 16  # of 255: a pixel that differs by more
FEW = 0.01  # of all pixels


def with_palette(png):
    """The PNG with 256 colours; unchanged where more than one pixel in a hundred would look different."""
    image = Image.open(io.BytesIO(png))
    if image.mode == "P":
        return png
    image = image.convert("RGBA")
    small = image.quantize(256, method=Image.Quantize.FASTOCTREE)
    before, after = (np.asarray(i.convert("RGBA").convert("RGBa"), dtype=int) for i in (image, small))
    if np.mean(np.abs(before - after).max(axis=-1) > VISIBLE) > FEW:
        return png
    file = io.BytesIO()
    small.save(file, "PNG", optimize=True)
    return file.getvalue()


def shrunk(drawn):
    """What IPython's printer of figures returns, (base64 text, size) or the text alone, with a palette."""
    if isinstance(drawn, tuple):
        return shrunk(drawn[0]), *drawn[1:]
    return base64.b64encode(with_palette(base64.b64decode(drawn))).decode()


def install(shell):
    """Let this IPython shell show figures with a palette; once is enough, twice does no harm."""
    formatter = shell.display_formatter.formatters["image/png"]
    draw = formatter.for_type(Figure)
    if draw is not None and not getattr(draw, "has_palette", False):

        def draw_small(figure):
            drawn = draw(figure)
            return drawn and shrunk(drawn)

        draw_small.has_palette = True
        formatter.for_type(Figure, draw_small)
