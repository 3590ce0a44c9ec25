"""What is made of the built site: one file to print, one archive to carry away."""

import os
import zipfile

import pytest

pytest.importorskip("jupyter_book", reason="the book is built with the extra `book`")
pytest.importorskip("websocket", reason="the browser is driven through websocket-client")
pytest.importorskip("pypdf", reason="the sheets are joined with the extra `book`")

import pypdf

from tests.test_browser import PAGES
from tools import book, pdf, release_zip
from tools.browser import Browser, find, serve

if not find() and os.environ.get("CI") != "true":
    pytest.skip("no chromium: install it to print the pages", allow_module_level=True)

CUT = """[...document.querySelectorAll('.bd-article pre, .bd-article table, .bd-article img')]
    .filter(box => box.scrollWidth > box.clientWidth + 1 || box.getBoundingClientRect().right > innerWidth)
    .map(box => box.textContent.slice(0, 60) || box.src)"""
SHEET = 658  # pixels between the margins of an A4 sheet


@pytest.fixture(scope="module")
def site():
    book.build("shown")
    return book.HTML


@pytest.fixture(scope="module")
def printed(site, tmp_path_factory):
    chosen = {"book/index.html", "book/how-to-read.html", "book/notation.html", "book/about.html"}
    path = tmp_path_factory.mktemp("pdf") / "book.pdf"
    assert pdf.join(site, path, chosen.__contains__) == len(pypdf.PdfReader(path).pages)
    assert [p.name for p in path.parent.iterdir()] == ["book.pdf"]
    return pypdf.PdfReader(path)


def outline(reader):
    """(title, sheet) of each bookmark, with those below it as a list behind it."""

    def listed(items):
        return [
            listed(x) if isinstance(x, list) else (x.title, reader.get_destination_page_number(x))
            for x in items
        ]

    return listed(reader.outline)


def foot(page):
    """The words in the lower margin of a sheet."""
    found = []

    def visit(text, page_matrix, text_matrix, *rest):
        if page_matrix[3] * text_matrix[5] + page_matrix[5] < 60:  # points above the lower edge
            found.extend(text.split())

    page.extract_text(visitor_text=visit)
    return found


def test_the_sheets_are_numbered_through(printed):
    assert [foot(page) for page in printed.pages] == [[str(n + 1)] for n in range(len(printed.pages))]


def test_parts_pages_and_sections_have_bookmarks(printed):
    found = outline(printed)
    titles = [x[0] if isinstance(x, tuple) else None for x in found]
    pages = found[titles.index("Before you start") + 1]
    assert [x[0] for x in pages if isinstance(x, tuple)] == ["How to read this book", "Notation"]
    assert any(isinstance(x, list) for x in pages)  # the sections of a page
    sheets = [x[1] for x in found if isinstance(x, tuple)]
    assert sheets == sorted(sheets)


def test_links_stay_inside_or_lead_to_the_world(printed):
    links = [a.get_object() for page in printed.pages for a in page.get("/Annots", ())]
    assert any("/Dest" in link for link in links)
    uris = [str(link["/A"]["/URI"]) for link in links if "/URI" in link.get("/A", {})]
    assert not [uri for uri in uris if "127.0.0.1" in uri or uri.startswith("file:")]


CHAPTER = "notebooks/07_perceptron_xor.html"


@pytest.mark.parametrize(
    "page", [p if p == CHAPTER else pytest.param(p, marks=pytest.mark.slow) for p in PAGES]
)
def test_no_line_is_cut_on_paper(site, page):
    with serve(site) as address, Browser(timeout=60) as browser:
        browser.view(width=SHEET)
        browser.send("Emulation.setEmulatedMedia", media="print")
        browser.open(address + page)
        assert browser.evaluate(CUT) == []


def test_the_archive_works_elsewhere_and_is_the_same_again(site, tmp_path):
    for name in ("one.zip", "two.zip"):
        release_zip.pack(site, tmp_path / name)
    assert (tmp_path / "one.zip").read_bytes() == (tmp_path / "two.zip").read_bytes()
    with zipfile.ZipFile(tmp_path / "one.zip") as archive:
        archive.extractall(tmp_path / "elsewhere")
    with Browser() as browser:
        browser.view()
        for page in ("index.html", "book/index.html", CHAPTER):
            report = browser.open((tmp_path / "elsewhere" / "dlcourse" / page).as_uri())
            assert report.problems == []
            assert all(url.startswith(("file:", "data:", "blob:")) for url in report.urls)
