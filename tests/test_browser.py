"""Every page of the book in a real browser: light, dark and at the width of a phone."""

import os

import pytest

pytest.importorskip("jupyter_book", reason="the book is built with the extra `book`")
pytest.importorskip("websocket", reason="the browser is driven through websocket-client")

from dlcourse.course import sources
from tools import book
from tools.browser import Browser, find, serve

if not find() and os.environ.get("CI") != "true":
    pytest.skip("no chromium: install it to test the pages in a browser", allow_module_level=True)

VIEWS = [("light", 1280), ("dark", 1280), ("light", 390)]
PAGES = ["search.html", "genindex.html"]
PAGES += [f"book/{path.stem}.html" for path in sorted((sources.ROOT / "book").glob("*.md"))]
PAGES += [f"notebooks/{slug}.html" for slug in sources.chapters()]
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
WITHOUT_ALT = "[...document.querySelectorAll('.bd-article img:not([alt])')].map(picture => picture.src)"


@pytest.fixture(scope="module")
def address():
    book.build("shown")
    with serve(book.HTML) as url:
        yield url


@pytest.fixture(scope="module")
def browser():
    assert find(), "no chromium: with CI=true the pages must be tested in a browser"
    with Browser() as running:
        yield running


@pytest.mark.parametrize("theme, width", VIEWS)
@pytest.mark.parametrize("page", PAGES)
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


@pytest.mark.parametrize("page", PAGES)
def test_formulas_are_set(browser, address, page):
    browser.view()
    browser.open(address + page)
    written = browser.evaluate("document.querySelectorAll('.math').length")
    assert browser.evaluate("document.querySelectorAll('.math mjx-container').length") >= written
    assert browser.evaluate("document.querySelectorAll('mjx-merror').length") == 0


def test_the_book_works_from_disk(browser):
    book.build("shown")
    browser.view()
    for page in PAGES:
        report = browser.open((book.HTML / page).as_uri())
        assert report.problems == []
        assert all(url.startswith(("file:", "data:", "blob:")) for url in report.urls)


def test_the_search_finds_a_chapter(browser, address):
    browser.view()
    browser.open(address + "search.html?q=perceptron")
    script = """new Promise(done => { const look = () => {
        const found = document.querySelectorAll('#search-results li').length
        found ? done(found) : requestAnimationFrame(look) }; look() })"""
    assert browser.evaluate(script) > 0


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
