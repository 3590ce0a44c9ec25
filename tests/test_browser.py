"""Every page of the book in a real browser: light, dark and at the width of a phone."""

import json
import re

import pytest

pytest.importorskip("jupyter_book", reason="the book is built with the extra `book`")
pytest.importorskip("websocket", reason="the browser is driven through websocket-client")

from dlcourse.course import sources
from tools.browser import Report, serve

VIEWS = [("light", 1280), ("dark", 1280), ("light", 390)]
PAGES = ["search.html", "genindex.html", *(f"{file}.html" for file in sources.toc_files())]
# What needs more room than its box: an element may scroll by itself, the page must not.
TOO_WIDE = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
GROUND = "getComputedStyle(document.body).backgroundColor"
BOXED_PICTURES = """[...document.querySelectorAll('.bd-article img')].filter(picture => {
    const style = getComputedStyle(picture)
    return style.backgroundColor !== 'rgba(0, 0, 0, 0)' || style.filter !== 'none'
}).map(picture => picture.src)"""
SCROLLING_CODE = """[...document.querySelectorAll('.bd-article pre')].filter(pre =>
    pre.scrollWidth > pre.clientWidth && pre.textContent.split('\\n').every(line => line.length <= 80)
).map(pre => pre.textContent.slice(0, 60))"""
# A formula that would have to be moved sideways; on a phone some may.
CUT_FORMULAS = """[...document.querySelectorAll('.bd-article div.math mjx-container')].filter(formula =>
    formula.scrollWidth > formula.clientWidth + 1
).map(formula => formula.parentElement.id || formula.textContent.slice(0, 60))"""
WITHOUT_ALT = "[...document.querySelectorAll('.bd-article img:not([alt])')].map(picture => picture.src)"


def in_its_lane(page, theme, width):
    """Of the teaching notes, alike in kind, the fast lane sees one, the slow lane all."""
    slow = page.startswith("book/teaching/") and "07_" not in page
    return pytest.param(page, theme, width, marks=[pytest.mark.slow] if slow else [])


@pytest.mark.parametrize("page, theme, width", [in_its_lane(page, *view) for view in VIEWS for page in PAGES])
def test_a_page_loads_cleanly_and_fits(browser, address, page, theme, width):
    browser.view(theme, width)
    assert browser.open(address + page).problems == []
    assert browser.evaluate("document.documentElement.dataset.theme") == theme
    assert browser.evaluate(TOO_WIDE) <= 0
    assert browser.evaluate(GROUND) == {"light": "rgb(255, 255, 255)", "dark": "rgb(3, 4, 4)"}[theme]
    assert browser.evaluate(BOXED_PICTURES) == []
    assert browser.evaluate(WITHOUT_ALT) == []
    if width == 1280:
        assert browser.evaluate(SCROLLING_CODE) == []
        assert browser.evaluate(CUT_FORMULAS) == []
    written = browser.evaluate("document.querySelectorAll('.math').length")
    assert browser.evaluate("document.querySelectorAll('.math mjx-container').length") >= written
    assert browser.evaluate("document.querySelectorAll('mjx-merror').length") == 0


ONE_OF_A_KIND = ["index.html", "search.html", "book/claims.html", f"notebooks/{sources.chapters()[0]}.html"]


@pytest.mark.parametrize(
    "pages", [ONE_OF_A_KIND, pytest.param(PAGES, marks=pytest.mark.slow)], ids=["some", "all"]
)
def test_the_book_works_from_disk(browser, site, pages):
    browser.view()
    for page in pages:
        report = browser.open((site / page).as_uri())
        assert report.problems == []
        assert all(url.startswith(("file:", "data:", "blob:")) for url in report.urls)


def test_the_front_door_leads_to_the_first_page(browser, site):
    browser.open((site / "index.html").as_uri())
    assert browser.evaluate("location.href") == (site / sources.toc_files()[0]).with_suffix(".html").as_uri()


@pytest.fixture(scope="module")
def search(browser, address):
    """Words → the pages that the book's own search finds, best first."""
    browser.view()
    browser.open(address + "search.html?q=perceptron")
    shown = """new Promise(done => { const look = () => {
        const found = document.querySelectorAll('#search-results li').length
        found ? done(found) : requestAnimationFrame(look) }; look() })"""
    assert browser.evaluate(shown) > 0
    found = "JSON.stringify(Search._performSearch(...Search._parseQuery({})).map(([page]) => page))"
    return lambda words: json.loads(browser.evaluate(found.format(json.dumps(words))))[::-1]


@pytest.mark.parametrize("slug", sources.chapters())
def test_the_search_finds_a_chapter_first_by_its_title(search, slug):
    title = re.search(r"^# (.*)$", sources.source_path(slug).read_text(encoding="utf-8"), re.M)[1]
    assert search(title)[0] == f"notebooks/{slug}"


def test_the_search_finds_a_chapter_for_every_word_of_the_glossary(search):
    glossary = (sources.ROOT / "book" / "glossary.md").read_text(encoding="utf-8").split("{glossary}\n")[1]
    words = [line.replace("$", "") for line in glossary.split("```")[0].splitlines() if line[:1].strip()]
    lost = [word for word in words if not any(page.startswith("notebooks/") for page in search(word))]
    assert len(words) > 200 and lost == ["concept check", "stub"]  # not of its subject


def test_the_search_finds_nothing_for_a_word_that_is_not_there(search):
    assert search("zzqxj") == []


def test_the_claims_can_be_filtered(browser, address):
    browser.view()
    browser.open(address + "book/claims.html")
    shown = "[...document.querySelectorAll('.claims tbody tr')].filter(row => !row.hidden).length"
    everything = browser.evaluate(shown)
    fill = "const box = document.querySelector('.claims input'); box.value = {!r}; "
    fill += "box.dispatchEvent(new Event('input'))"
    assert everything > 0
    browser.evaluate(f"{{ {fill.format('no such claim anywhere')} }}")
    assert browser.evaluate(shown) == 0
    browser.evaluate(f"{{ {fill.format('')} }}")
    assert browser.evaluate(shown) == everything


BROKEN = {
    "exception": "<script>throw new Error('broken')</script>",
    "console": "<script>console.error('broken')</script>",
    "status 404": '<img src="nowhere.png" alt="">',
    "requests https://example.org": '<script src="https://example.org/x.js"></script>',
}


@pytest.mark.parametrize("problem", BROKEN)
def test_a_broken_page_is_seen(browser, tmp_path, problem):
    (tmp_path / "page.html").write_text(
        f"<!doctype html><link rel=icon href=data:,><title>Broken</title>{BROKEN[problem]}"
    )
    with serve(tmp_path) as url:
        assert any(line.startswith(problem) for line in browser.open(url + "page.html").problems)


@pytest.mark.parametrize("says_cleared", [True, False])
def test_a_page_that_leads_elsewhere_is_awaited_until_the_other_has_loaded(says_cleared):
    """The events of a refresh; a page whose process ends at once has been seen not to say "cleared"."""
    steps = ["StartedLoading", "Navigated", "ScheduledNavigation", "StoppedLoading", "StartedLoading"]
    steps += ["ClearedScheduledNavigation"] * says_cleared + ["Navigated", "StoppedLoading"]
    report, waiting = Report(), []
    for step in steps:
        frame = {"frame": {"id": "F"}} if step == "Navigated" else {"frameId": "F"}
        report.add({"method": f"Page.frame{step}", "params": frame})
        waiting.append(bool(report.awaited))
    assert waiting == [True] * (len(steps) - 1) + [False]
