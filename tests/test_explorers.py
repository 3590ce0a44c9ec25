"""Explorers: every point of the grid has its frame, and the player shows it."""

import json
import re

import pytest

from dlcourse import plots
from dlcourse.course.explorers import Control, explorer
from dlcourse.course.markup import asset
from tests.test_selfchecks import PAGE, Reader, needs_browser
from tools.browser import Browser, serve


def circle(r, colour):
    return f'<circle cx="50" cy="50" r="{r}" fill="var(--{colour})"/>'


CONTROLS = {"r": Control("radius", [10, 20, 30], 20, play=True, unit=" px"), "colour": ["blue", "orange"]}


def small(**changes):
    fields = {
        "frame": circle,
        "controls": CONTROLS,
        "alt": lambda r, colour: f"{colour} circle of radius {r}",
    }
    return explorer(**(fields | {"size": (100, 100)} | changes))


def data_of(page):
    return json.loads(re.search(r'<script type="application/json">(.*?)</script>', page, re.DOTALL)[1])


def test_every_point_of_the_grid_has_its_frame():
    data = data_of(small().html)
    values = [(r, colour) for r in (10, 20, 30) for colour in ("blue", "orange")]
    assert [data["frames"][i] for i in data["grid"]] == [circle(*point) for point in values]
    assert [data["alts"][i] for i in data["altGrid"]] == [f"{c} circle of radius {r}" for r, c in values]
    assert data["texts"] == [["10 px", "20 px", "30 px"], ["blue", "orange"]]


def test_equal_frames_are_stored_once():
    assert len(data_of(small(frame=lambda r, colour: circle(r, "blue")).html)["frames"]) == 3


def test_the_first_frame_stands_in_the_page_without_the_script():
    page = small(scene='<rect width="100" height="100" fill="none"/>').html
    reader = Reader(page)
    (picture,) = [a for a in reader.all("svg") if a.get("role") == "img"]
    assert picture["aria-label"] == "blue circle of radius 20" and picture["viewbox"] == "0 0 100 100"
    assert [c["r"] for c in reader.all("circle")] == ["20"] and len(reader.all("rect")) == 1
    (slider,) = reader.all("input")
    assert (slider["value"], slider["max"], slider["aria-valuetext"]) == ("1", "2", "20 px")
    assert len(reader.all("label")) == 2 and len(reader.all("button")) == 1
    assert page == small(scene='<rect width="100" height="100" fill="none"/>').html


def test_styles_of_a_scene_hold_in_this_explorer_only():
    page = small(
        scene="<style>.line{fill:red}</style>", frame=lambda r, colour: "<style>.x{r:1}</style>"
    ).html
    (name,) = re.search(r'class="explorer (explorer-\w+)"', page).groups()
    assert f"<style>.{name} {{.line{{fill:red}}}}</style>" in page
    assert data_of(page)["frames"] == [f"<style>.{name} {{.x{{r:1}}}}</style>"]


def test_figures_become_svg_that_is_the_same_every_time():
    def figure(k):
        fig, ax = plots.figure()
        ax.plot([0, k])
        return fig

    first, second = (explorer(figure, {"k": [1, 2]}, alt="a line").html for _ in range(2))
    assert first == second and "<metadata>" not in first and "currentColor" in first
    assert len(data_of(first)["frames"]) == 2


@pytest.mark.parametrize(
    "changes, error, words",
    [
        ({"controls": {"r": [], "colour": ["blue"]}}, ValueError, "at least one value for r"),
        (
            {"controls": {"r": Control("radius", [1], 2), "colour": ["blue"]}},
            ValueError,
            "a start among the values",
        ),
        ({"frame": lambda r, colour: "<circle>"}, ValueError, "well-formed SVG at {'r': 10"),
        ({"frame": lambda r, colour: 3}, TypeError, "SVG text or a Figure"),
        (
            {"frame": lambda r, colour: "<text>" + f"{r}{colour}" * 20000 + "</text>"},
            ValueError,
            "at most 400 kB, got",
        ),
        (
            {"frame": lambda r, colour: "<svg/>", "scene": "<g/>"},
            ValueError,
            "no scene beside whole drawings",
        ),
    ],
)
def test_bad_explorers_are_refused(changes, error, words):
    with pytest.raises(error, match=words):
        small(**changes)


def test_the_named_colours_are_those_of_the_figures():
    style = asset("explorer.css")
    for name in ("BLUE", "ORANGE", "GREEN", "PURPLE", "GOLD"):
        assert f"--{name.lower()}: {getattr(plots, name)};" in style


# --- In a browser -----------------------------------------------------------------------------------------

NOW = """(() => { const root = document.querySelectorAll('.explorer')[1]; return [
    root.querySelector('circle').getAttribute('r'), root.querySelector('circle').getAttribute('fill'),
    root.querySelector('output').textContent, root.querySelector('[role=img]').getAttribute('aria-label'),
    root.querySelector('input').getAttribute('aria-valuetext'),
    root.querySelector('.explorer-now').textContent]; })()"""
MOVE = """(() => { const root = document.querySelectorAll('.explorer')[1];
    const input = root.querySelectorAll('[data-control]')[%d]; input.value = %d;
    input.dispatchEvent(new Event('input', {bubbles: true})); })()"""
PLAY = "document.querySelectorAll('.explorer-play')[1].click()"


@pytest.fixture(scope="module")
def page(tmp_path_factory):
    """A browser on a page with the same explorer twice; the tests use the second."""
    folder = tmp_path_factory.mktemp("page")
    body = small().html * 2
    (folder / "index.html").write_text(PAGE.format(body), encoding="utf-8")
    with serve(folder) as address, Browser() as browser:
        assert browser.open(address + "index.html").problems == []
        yield browser


@needs_browser
def test_the_player_follows_its_controls(page):
    page.evaluate(MOVE % (0, 2))
    words = "blue circle of radius 30"
    assert page.evaluate(NOW) == ["30", "var(--blue)", "30 px", words, "30 px", words]
    page.evaluate(MOVE % (1, 1))
    assert page.evaluate(NOW)[1] == "var(--orange)"
    assert page.evaluate("document.querySelector('.explorer circle').getAttribute('r')") == "20"


@needs_browser
def test_with_reduced_motion_play_is_one_step(page):
    page.send("Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "reduce"}])
    page.evaluate(MOVE % (0, 2))
    page.evaluate(PLAY)
    assert page.evaluate(NOW)[0] == "10", "after the last value comes the first"
    assert page.evaluate("document.querySelectorAll('[aria-pressed=true]').length") == 0
    page.send(
        "Emulation.setEmulatedMedia", features=[{"name": "prefers-reduced-motion", "value": "no-preference"}]
    )
    page.evaluate(PLAY)
    assert page.evaluate("document.querySelectorAll('[aria-pressed=true]').length") == 1
    moved = (
        "new Promise(done => setTimeout(() => done(document.querySelectorAll('output')[1].textContent), 600))"
    )
    assert page.evaluate(moved) == "20 px"
    page.evaluate(PLAY)
    assert page.evaluate("document.querySelectorAll('[aria-pressed=true]').length") == 0
