"""Barriers on the pages, as far as rules find them: axe-core in a real browser, on light and dark ground."""

import json

import pytest

pytest.importorskip("jupyter_book", reason="the book is built with the extra `book`")
pytest.importorskip("websocket", reason="the browser is driven through websocket-client")

from tests.test_browser import PAGES
from tools import vendor
from tools.browser import serve

# On dark ground only the colours differ, so only they are judged again.
RULES = {"light": {}, "dark": {"runOnly": ["color-contrast", "link-in-text-block"]}}
RUN = """axe.run(document, %s).then(found => JSON.stringify(found.violations
    .filter(rule => ['serious', 'critical'].includes(rule.impact))
    .flatMap(rule => rule.nodes.map(node =>
        `${rule.id}: ${node.target.join(' ')}: ${node.html.slice(0, 80)}`))))"""


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    folder = tmp_path_factory.mktemp("axe")
    vendor.unpack(vendor.AXE, vendor.archive(vendor.AXE), folder)
    return (folder / "axe" / "axe.min.js").read_text()


def barriers(browser, axe, theme="light"):
    browser.evaluate(f"{axe}; 0")
    return json.loads(browser.evaluate(RUN % json.dumps(RULES[theme])))


def in_its_lane(page, theme):
    """All pages in both colours are judged in the slow lane, in the fast one what differs in kind."""
    one_of_many = page.startswith(("notebooks/", "book/teaching/")) and "07_" not in page
    fast = theme == "light" and not one_of_many
    return pytest.param(page, theme, marks=[] if fast else [pytest.mark.slow])


@pytest.mark.parametrize("page, theme", [in_its_lane(p, theme) for theme in RULES for p in PAGES])
def test_a_page_has_no_barrier(browser, address, axe, page, theme):
    browser.view(theme)
    browser.open(address + page)
    assert barriers(browser, axe, theme) == []


PAGE = """<!doctype html><html lang="en"><link rel=icon href="data:,"><title>Page</title>
<main><h1>Page</h1>%s</main>"""
BARRIERS = {
    "color-contrast": '<p style="color: #bbb">pale</p>',
    "image-alt": '<img src="data:,">',
    "aria-input-field-name": '<div role="slider" tabindex="0" aria-valuenow="1"></div>',
    "label": "<input>",
}


@pytest.mark.parametrize("rule", BARRIERS)
def test_a_barrier_is_found(browser, axe, tmp_path, rule):
    (tmp_path / "page.html").write_text(PAGE % BARRIERS[rule])
    with serve(tmp_path) as url:
        browser.view()
        browser.open(url + "page.html")
        assert [line.partition(":")[0] for line in barriers(browser, axe)] == [rule]
