"""Figures are stored small, and look the same."""

import base64
import io
from types import SimpleNamespace

import numpy as np
import pytest
from IPython.core.formatters import DisplayFormatter
from matplotlib.figure import Figure
from PIL import Image

from dlcourse import palette


def png(image):
    file = io.BytesIO()
    image.save(file, "PNG")
    return file.getvalue()


def chart():
    fig = Figure(figsize=(4, 3), facecolor="none")
    fig.subplots().plot(np.sin(np.arange(50.0)), "o-")
    file = io.BytesIO()
    fig.savefig(file, format="png")
    return file.getvalue()


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA").convert("RGBa"), dtype=int)


def test_a_chart_becomes_smaller_and_looks_the_same():
    before = chart()
    after = palette.with_palette(before)
    assert len(after) < 0.5 * len(before)
    assert np.mean(np.abs(pixels(after) - pixels(before)) > palette.VISIBLE) < palette.FEW
    assert palette.with_palette(before) == after == palette.with_palette(after)


def test_transparent_ground_stays_transparent():
    assert pixels(palette.with_palette(chart()))[0, 0].tolist() == [0, 0, 0, 0]


def test_an_image_that_needs_its_colours_is_left_alone():
    noise = png(Image.fromarray(np.random.default_rng(0).integers(0, 256, (64, 64, 3), dtype=np.uint8)))
    assert palette.with_palette(noise) == noise


@pytest.fixture
def formatter():
    """A shell's formatter of PNG, with a printer of figures as IPython has one."""
    shell = SimpleNamespace(display_formatter=DisplayFormatter())
    found = shell.display_formatter.formatters["image/png"]
    text = base64.b64encode(chart()).decode()
    found.for_type(Figure, lambda figure: (text, {"width": 400}))
    palette.install(shell)
    palette.install(shell)
    return found


def test_a_shell_shows_figures_with_a_palette_and_keeps_their_size(formatter):
    text, size = formatter(Figure())
    assert base64.b64decode(text) == palette.with_palette(chart())
    assert size == {"width": 400}
