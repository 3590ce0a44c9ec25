"""The figures' style: readable on both grounds, deterministic, and the drawings say what they should."""

import io

import matplotlib

matplotlib.use("Agg")

import matplotlib.pyplot as plt
import numpy as np
import pytest

from dlcourse import plots


@pytest.fixture(autouse=True)
def style():
    with plt.rc_context():
        plots.use_style()
        yield
    plt.close("all")


@pytest.mark.parametrize("ground", [plots.LIGHT_GROUND, plots.DARK_GROUND])
def test_ink_reads_as_text_and_colours_as_graphics_on_both_grounds(ground):
    assert plots.contrast(plots.INK, ground) >= 4.5
    assert all(plots.contrast(colour, ground) >= 3 for colour in plots.COLOURS)


def test_contrast_of_black_and_white_is_21():
    assert plots.contrast("black", "white") == pytest.approx(21)


def test_the_ground_is_transparent_and_two_drawings_are_byte_identical():
    def png():
        fig, ax = plots.figure()
        plots.network(ax, [2, 3, 1], weights=[np.ones((3, 2)), -np.ones((1, 3))], caption=["x", "h", "y"])
        buffer = io.BytesIO()
        fig.savefig(buffer, format="png")
        return buffer.getvalue()

    first = png()
    assert first == png()
    assert plt.imread(io.BytesIO(first))[0, 0, 3] == 0


def test_decision_line_lies_where_the_unit_is_undecided_and_its_arrow_points_to_one():
    _, ax = plots.figure()
    ax.set(xlim=(-1, 2), ylim=(-1, 2))
    w, b = np.array([1.0, 2.0]), -1.5
    plots.decision_line(ax, w, b)
    ends = np.column_stack(ax.lines[0].get_data())
    np.testing.assert_allclose(ends @ w + b, 0, atol=1e-12)
    arrow = ax.texts[0]
    assert (np.array(arrow.xy) - np.array(arrow.xyann)) @ w > 0
    assert ax.get_xlim() == (-1, 2)


def test_no_weights_no_line():
    _, ax = plots.figure()
    plots.decision_line(ax, [0, 0], 1)
    assert not ax.lines


def test_regions_tint_each_side_with_its_colour_and_draw_the_line_between():
    fig, ax = plots.figure(width=2, height=2)
    ax.set(xlim=(0, 1), ylim=(0, 1))
    plots.regions(ax, lambda x: x[:, 0])
    tint, line = ax.collections
    low, high = tint.get_facecolor()[0], tint.get_facecolor()[-1]
    assert low[0] > low[2] and high[2] > high[0]  # orange on the left, blue on the right
    np.testing.assert_allclose(line.get_paths()[0].vertices[:, 0], 0.5)


def test_scatter_marks_the_two_classes_differently():
    _, ax = plots.figure()
    plots.scatter(ax, [[0, 0], [1, 1], [2, 2]], [0, 1, 1])
    zeros, ones = ax.collections
    assert len(zeros.get_offsets()) == 1 and len(ones.get_offsets()) == 2
    assert zeros.get_paths()[0].vertices.shape != ones.get_paths()[0].vertices.shape
