"""Explorers: a drawing that follows sliders in Lab, in the book and from disk, with no kernel behind it.

A pure function is evaluated on the finite grid of its controls; the frames travel with one small player.
"""

import hashlib
import html
import io
import itertools
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from dlcourse.course.markup import asset

MOST_BYTES = 400_000
STYLE = re.compile(r"<style>(.*?)<(\\?)/style>", re.DOTALL)  # in the data, "</" is written "<\\/"


@dataclass(frozen=True)
class Control:
    """One slider (numbers) or menu (texts): its label, its values, and the value it starts with."""

    label: str
    values: Sequence
    start: Any = None  # None: the first value
    play: bool = False  # a button that runs through the values
    unit: str = ""

    def first(self):
        values = list(self.values)
        if self.start is not None and self.start not in values:
            raise ValueError(
                f"explorer: expected a start among the values of {self.label}, got {self.start!r}"
            )
        return 0 if self.start is None else values.index(self.start)

    def texts(self):
        return [v if isinstance(v, str) else f"{v:.4g}{self.unit}" for v in self.values]

    def is_menu(self):
        return isinstance(self.values[0], str)


@dataclass(frozen=True)
class Explorer:
    """The finished player; `frames` are its distinct drawings."""

    html: str
    alt: str
    frames: tuple

    def _repr_mimebundle_(self, include=None, exclude=None):
        return {"text/html": self.html, "text/plain": f"Explorer: {self.alt}"}


def explorer(frame, controls, *, alt, scene="", size=(640, 320)):
    """Return the player for `frame(**values)`, to be the last line of a cell.

    frame     pure: the values of all controls -> an SVG fragment, a whole `<svg>`, or a matplotlib Figure
    controls  {name: Control, or a plain sequence of values}; the first one varies slowest
    alt       what the drawing shows: a text, or a function of the same values
    scene     the SVG fragment that stays; size: width and height of the drawing's coordinates

    Draw with `currentColor` and `var(--blue)`, `var(--orange)`, `var(--green)`: they read on both grounds.
    Raises ValueError for an empty control, a frame that is not well-formed SVG, or more than 400 kB in all.
    """
    controls = {name: _control(name, control) for name, control in controls.items()}
    grid = list(itertools.product(*(control.values for control in controls.values())))
    values = [dict(zip(controls, point)) for point in grid]
    frames = [_svg(frame(**v), v) for v in values]
    alts = [alt(**v) if callable(alt) else alt for v in values]
    start = 0
    for control in controls.values():
        start = start * len(control.values) + control.first()
    scene = _svg(scene, {})
    whole = frames[0].startswith("<svg")
    if whole and scene:
        raise ValueError("explorer: expected no scene beside whole drawings, got one")
    picture = (_whole if whole else _fragment)(frames[start], scene, alts[start], size)
    page = _page(picture, _controls(controls), _data(controls, frames, alts))
    if (weight := len(page.encode())) > MOST_BYTES:
        raise ValueError(
            f"explorer: expected at most {MOST_BYTES // 1000} kB, got {weight // 1000} kB in {len(grid)} "
            "frames: take fewer values, move what stays into the scene, round the coordinates"
        )
    return Explorer(page, alts[start], tuple(dict.fromkeys(frames)))


def _control(name, control):
    control = control if isinstance(control, Control) else Control(name.replace("_", " "), control)
    if len(control.values) == 0:
        raise ValueError(f"explorer: expected at least one value for {name}, got none")
    return control


def _svg(drawn, values):
    """The text of one frame, checked to be well-formed."""
    if hasattr(drawn, "savefig"):
        drawn = _figure(drawn)
    if not isinstance(drawn, str):
        raise TypeError(f"explorer: expected SVG text or a Figure at {values}, got {type(drawn).__name__}")
    try:
        ET.fromstring(f'<svg xmlns:xlink="http://www.w3.org/1999/xlink">{drawn}</svg>')
    except ET.ParseError as error:
        raise ValueError(f"explorer: expected well-formed SVG at {values}: {error}") from None
    return drawn.strip()


def _figure(figure):
    """A matplotlib Figure as SVG that is the same in every run; black becomes the text's colour."""
    import matplotlib.pyplot as plt

    buffer = io.StringIO()
    with plt.rc_context({"svg.hashsalt": "explorer", "svg.fonttype": "none"}):
        figure.savefig(buffer, format="svg", transparent=True, metadata={"Date": None})
    plt.close(figure)
    text = buffer.getvalue()
    text = re.sub(r"<metadata>.*?</metadata>", "", text[text.index("<svg") :], flags=re.DOTALL)
    return text.replace("#000000", "currentColor")


def _fragment(frame, scene, alt, size):
    box = f'viewBox="0 0 {size[0]} {size[1]}" role="img" aria-label="{html.escape(alt)}"'
    return f'<svg {box}><g>{scene}</g><g class="explorer-frame">{frame}</g></svg>'


def _whole(frame, scene, alt, size):
    return f'<div class="explorer-frame" role="img" aria-label="{html.escape(alt)}">{frame}</div>'


def _controls(controls):
    return "\n".join(_menu(c) if c.is_menu() else _slider(c) for c in controls.values())


def _slider(control):
    first, texts, label = control.first(), control.texts(), html.escape(control.label)
    button = f'<button type="button" class="explorer-play" aria-pressed="false">Play {label}</button>'
    return (
        f'<span><label>{label} <input type="range" data-control min="0" max="{len(texts) - 1}" step="1" '
        f'value="{first}" aria-valuetext="{html.escape(texts[first])}" autocomplete="off">'
        f"<output>{html.escape(texts[first])}</output></label>{button if control.play else ''}</span>"
    )


def _menu(control):
    options = (
        f'<option value="{i}"{" selected" * (i == control.first())}>{html.escape(text)}</option>'
        for i, text in enumerate(control.texts())
    )
    label = html.escape(control.label)
    return f'<label>{label} <select data-control autocomplete="off">{"".join(options)}</select></label>'


def _data(controls, frames, alts):
    """What the player needs, each distinct frame once."""
    distinct, words = list(dict.fromkeys(frames)), list(dict.fromkeys(alts))
    place, spoken = ({text: i for i, text in enumerate(texts)} for texts in (distinct, words))
    data = {
        "texts": [control.texts() for control in controls.values()],
        "frames": distinct,
        "grid": [place[text] for text in frames],
        "alts": words,
        "altGrid": [spoken[text] for text in alts],
    }
    return json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")


def _page(picture, controls, data):
    """All of it. A `<style>` would hold for the whole page: it is confined to this explorer by its class."""
    name = "explorer-" + hashlib.sha256((picture + data).encode()).hexdigest()[:8]
    picture, data = (STYLE.sub(rf"<style>.{name} {{\1}}<\2/style>", text) for text in (picture, data))
    return (
        f'{asset("explorer.css")}<div class="explorer {name}" data-lm-suppress-shortcuts="true">\n{picture}\n'
        f'<div class="explorer-controls">\n{controls}\n</div>\n'
        f'<p class="explorer-now" aria-live="polite"></p>\n'
        f'<script type="application/json">{data}</script>\n</div>{asset("explorer.js")}'
    )
