"""The book on paper: complete, numbered through, with bookmarks, and no line cut off."""

import pytest

pytest.importorskip("jupyter_book", reason="the book is built with the extra `book`")
pytest.importorskip("websocket", reason="the browser is driven through websocket-client")
pytest.importorskip("pypdf", reason="the sheets are joined with the extra `book`")

import pypdf

from dlcourse.course import sources
from tests.test_browser import PAGES
from tools import pdf

CUT = """[...document.querySelectorAll('.bd-article pre, .bd-article table, .bd-article img')]
    .filter(box => box.scrollWidth > box.clientWidth + 1 || box.getBoundingClientRect().right > innerWidth)
    .map(box => box.textContent.slice(0, 60) || box.src)"""
SHEET = 658  # pixels between the margins of an A4 sheet


@pytest.fixture(scope="module")
def printed(site, browser, tmp_path_factory):
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


def test_a_bookmark_has_the_words_of_its_heading():
    writer = pypdf.PdfWriter()
    writer.add_blank_page(100, 100)
    above = writer.add_outline_item(title="Measure first, thenmultiply", page_number=0)
    writer.add_outline_item(title="One step,taken apart", page_number=0, parent=above)
    writer.add_outline_item(title="No heading", page_number=0)
    pdf.spell(writer.root_object["/Outlines"], ["Measure first,\n then multiply", "One step, taken apart"])
    reader = pypdf.PdfReader(pdf.as_file(writer))
    assert outline(reader) == [
        ("Measure first, then multiply", 0),
        [("One step, taken apart", 0)],
        ("No heading", 0),
    ]


def test_links_stay_inside_or_lead_to_the_world(printed):
    links = [a.get_object() for page in printed.pages for a in page.get("/Annots", ())]
    assert any("/Dest" in link for link in links)
    uris = [str(link["/A"]["/URI"]) for link in links if "/URI" in link.get("/A", {})]
    assert not [uri for uri in uris if "127.0.0.1" in uri or uri.startswith("file:")]


def test_every_page_of_the_contents_is_printed_once():
    pages = [page for _, pages in pdf.parts() for page in pages]
    assert pages == [f"{name}.html" for name in sources.toc_files()]


CHAPTER = "notebooks/07_perceptron_xor.html"


@pytest.mark.parametrize(
    "page", [p if p == CHAPTER else pytest.param(p, marks=pytest.mark.slow) for p in PAGES]
)
def test_no_line_is_cut_on_paper(browser, address, page):
    browser.view(width=SHEET)
    browser.send("Emulation.setEmulatedMedia", media="print")
    browser.open(address + page)
    assert browser.evaluate(CUT) == []
    # Where anything is wider than the sheet, chromium prints the whole page smaller.
    assert browser.evaluate("document.documentElement.scrollWidth") <= SHEET
