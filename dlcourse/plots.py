"""The figures' one style and the drawings that chapters share.

The ground is transparent and the ink mid-grey, so that one stored picture reads on a light page and on a
dark one. Colours come from the Okabe–Ito palette (colour-blind safe), darkened where white needs it; a
second sign (marker, dash, hatch) always says the same as the colour.
"""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.colors import LinearSegmentedColormap, to_rgba
from matplotlib.patches import Circle

from dlcourse import palette

INK = "#767676"  # 4.5 : 1 on white and on the book's dark ground
LIGHT_GROUND, DARK_GROUND = "#ffffff", "#030404"
BLUE, ORANGE, GREEN, PURPLE, GOLD = "#0072b2", "#d55e00", "#009e73", "#cc79a7", "#a67c00"
COLOURS = (BLUE, ORANGE, GREEN, PURPLE, GOLD)
MARKERS = ("o", "s", "^", "D", "v")

STYLE = {
    "figure.facecolor": "none",
    "axes.facecolor": "none",
    "savefig.facecolor": "none",
    "figure.dpi": 75,
    "figure.constrained_layout.use": True,
    "font.size": 10.5,
    "axes.titlesize": 11,
    "axes.titleweight": "bold",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.linewidth": 1.0,
    "axes.prop_cycle": plt.cycler(color=COLOURS)
    + plt.cycler(linestyle=["-", "--", "-.", ":", (0, (5, 1, 1, 1, 1, 1))]),
    "lines.linewidth": 2,
    "lines.markersize": 7,
    "legend.frameon": False,
    "legend.labelcolor": INK,
    "svg.hashsalt": "dlcourse",
    "svg.fonttype": "none",
} | {
    name: INK
    for name in (
        "text.color",
        "axes.edgecolor",
        "axes.labelcolor",
        "axes.titlecolor",
        "xtick.color",
        "ytick.color",
    )
}

# Two classes as a tint of the page: orange for 0, nothing at the boundary, blue for 1.
TINT = LinearSegmentedColormap.from_list(
    "tint", [to_rgba(ORANGE, 0.25), to_rgba(ORANGE, 0.0), to_rgba(BLUE, 0.0), to_rgba(BLUE, 0.25)]
)


def use_style():
    """Set the style for every figure that follows; in a notebook, at twice the resolution and few bytes."""
    plt.rcParams.update(STYLE)
    try:
        shell = get_ipython()  # noqa: F821 - defined by IPython
    except NameError:
        return
    shell.run_line_magic("matplotlib", "inline")
    shell.run_line_magic("config", "InlineBackend.figure_format = 'retina'")
    palette.install(shell)


def figure(columns=1, rows=1, *, width=7.0, height=3.2, **options):
    """Return `(figure, axes)`: width in inches for the whole figure, height for each row."""
    return plt.subplots(rows, columns, figsize=(width, height * rows), **options)


def contrast(colour, ground):
    """The contrast ratio of two opaque colours by WCAG 2.1 (1 to 21)."""

    def luminance(c):
        rgb = np.array(to_rgba(c)[:3])
        linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
        return linear @ [0.2126, 0.7152, 0.0722]

    low, high = sorted((luminance(colour), luminance(ground)))
    return (high + 0.05) / (low + 0.05)


def scatter(ax, x, labels, names=("class 0", "class 1"), **options):
    """Draw the rows of x (N, 2) with a colour and a marker per label: orange squares 0, blue circles 1."""
    x, labels = np.asarray(x), np.asarray(labels).ravel()
    for label, colour, marker in ((0, ORANGE, "s"), (1, BLUE, "o")):
        chosen = x[labels == label]
        style = {"s": 55, "zorder": 3, "edgecolors": INK, "linewidths": 0.7, "label": names[label]} | options
        ax.scatter(*chosen.T, c=colour, marker=marker, **style)


def decision_line(ax, weight, bias, *, arrow=True, colour=INK, **options):
    """Draw the line w·x + b = 0 within the axes' limits, and w as an arrow into the side that answers 1."""
    w, b = np.asarray(weight, float).ravel(), float(np.squeeze(bias))
    norm = np.hypot(*w)
    if norm == 0:
        return  # no weights, no line
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    foot, along = -b * w / norm**2, np.array([-w[1], w[0]]) / norm
    reach = np.hypot(x1 - x0, y1 - y0) + np.hypot(*foot)
    ends = np.array([foot - reach * along, foot + reach * along])
    ax.plot(*ends.T, color=colour, linestyle="-", zorder=2, **options)
    ax.set_xlim(x0, x1), ax.set_ylim(y0, y1)
    if arrow:
        centre = np.array([(x0 + x1) / 2, (y0 + y1) / 2])
        start = centre - (w @ centre + b) * w / norm**2
        tip = start + 0.14 * (x1 - x0) * w / norm
        ax.annotate("", tip, start, arrowprops={"arrowstyle": "-|>", "color": colour, "lw": 1.6}, zorder=4)


def regions(ax, predict, *, steps=200, line=True):
    """Tint the axes by predict(points (M, 2)) -> values in [0, 1]; a line marks the value 1/2."""
    (x0, x1), (y0, y1) = ax.get_xlim(), ax.get_ylim()
    xs, ys = np.meshgrid(np.linspace(x0, x1, steps), np.linspace(y0, y1, steps))
    values = np.asarray(predict(np.column_stack([xs.ravel(), ys.ravel()])), float).reshape(xs.shape)
    ax.contourf(xs, ys, values, levels=np.linspace(0, 1, 11), cmap=TINT, zorder=0)
    if line and values.min() < 0.5 < values.max():
        ax.contour(xs, ys, values, levels=[0.5], colors=INK, linewidths=1.6, zorder=1)


def network(ax, sizes, *, inputs=None, outputs=None, weights=None, caption=None, radius=0.16):
    """Draw a feed-forward network, one column of circles a layer.

    sizes: units per layer; inputs, outputs: labels of the first and last column;
    weights: one (out, in) array per gap, drawn by sign (blue +, orange dashed −) and size;
    caption: one text per layer, under its column.
    """
    columns = [[(1.6 * i, 0.62 * (k - (n - 1) / 2)) for k in reversed(range(n))] for i, n in enumerate(sizes)]
    for gap, (left, right) in enumerate(zip(columns, columns[1:])):
        matrix = None if weights is None else np.asarray(weights[gap])
        for o, end in enumerate(right):
            for i, start in enumerate(left):
                w = 0.0 if matrix is None else matrix[o, i] / np.abs(matrix).max()
                colour, dash = (INK, "-") if matrix is None else (BLUE, "-") if w >= 0 else (ORANGE, "--")
                ax.plot(
                    *zip(start, end), color=colour, linestyle=dash, linewidth=0.9 + 2.2 * abs(w), zorder=1
                )
    for i, column in enumerate(columns):
        for spot in column:
            ax.add_patch(
                Circle(spot, radius, facecolor=to_rgba(COLOURS[i % 3], 1.0), edgecolor=INK, zorder=2)
            )
        if caption:
            ax.text(column[0][0], min(y for _, y in column) - 0.42, caption[i], ha="center", va="top")
    for column, labels, side, align in ((columns[0], inputs, -1, "right"), (columns[-1], outputs, 1, "left")):
        for spot, label in zip(column, labels or ()):
            ax.text(spot[0] + side * (radius + 0.1), spot[1], label, ha=align, va="center")
    ax.set_aspect("equal")
    ax.margins(0.16)
    ax.axis("off")
