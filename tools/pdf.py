"""`make pdf`: the whole book as build/dlcourse.pdf, with bookmarks (what is folded on a page is left out).

Chromium prints the pages of the built site in the order of the table of contents, numbered through; they are
joined, and a link from one page of the site to another leads to that page of the file. The style for paper is
in dlcourse.css, under @media print.
"""

import base64
import io
import os
import sys
from urllib.parse import unquote, urlsplit

from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, NameObject, NullObject, TextStringObject

from dlcourse.course import sources
from tools import book
from tools.browser import Browser, find, serve
from tools.environment import ROOT

TARGET = ROOT / "build" / "dlcourse.pdf"
NUMBERED = """(first => { const style = document.createElement('style'); style.textContent =
    `@page { size: A4; margin: 20mm 18mm 22mm }
     @page { @bottom-center { content: counter(page); font: 9pt sans-serif } }
     html { counter-reset: page ${first - 1}; }`; document.head.append(style) })(%d)"""


HEADINGS = """[...document.querySelectorAll('.bd-article :is(h1, h2, h3, h4, h5, h6)')].map(heading => {
    const words = heading.cloneNode(true)
    words.querySelectorAll('.headerlink').forEach(link => link.remove())
    return words.textContent
})"""


def parts():
    """(caption or None, pages) in the order of the book; a page is its path below build/html."""
    for caption, files in [(None, sources.toc_files()[:1]), *sources.parts()]:
        yield caption, [f"{name}.html" for name in files]


def printed(browser, url, first):
    """One page of the site as a PDF whose page numbers begin at `first`."""
    if problems := browser.open(url).problems:
        sys.exit(f"{url} does not load cleanly: {problems[0]}")
    browser.evaluate(NUMBERED % first)
    stream = browser.send(
        "Page.printToPDF",
        preferCSSPageSize=True,
        printBackground=True,
        generateTaggedPDF=True,
        generateDocumentOutline=True,
        transferMode="ReturnAsStream",
    )["stream"]
    data = b""
    while True:
        chunk = browser.send("IO.read", handle=stream, size=1 << 20)
        data += base64.b64decode(chunk["data"])
        if chunk["eof"]:
            break
    browser.send("IO.close", handle=stream)
    reader = PdfReader(io.BytesIO(data))
    spell(reader.root_object.get("/Outlines", {}), browser.evaluate(HEADINGS))
    return reader


def spell(entry, headings):
    """Give bookmarks the words of their headings: chromium leaves out the space at the end of a line."""
    known = {"".join(heading.split()): " ".join(heading.split()) for heading in headings}
    below = entry.get("/First")
    while below is not None:
        below = below.get_object()
        title = known.get("".join(below["/Title"].split()), below["/Title"])
        below[NameObject("/Title")] = TextStringObject(title)
        spell(below, headings)
        below = below.get("/Next")


def lead_inside(writer, address, starts):
    """Turn links to other pages of the site into links within the file; remove those to its other files."""
    for page in writer.pages:
        kept = ArrayObject()
        for reference in page.get("/Annots", ()):
            link = reference.get_object()
            uri = str(link.get("/A", {}).get("/URI", ""))
            if uri.startswith(address):
                target = unquote(urlsplit(uri).path).lstrip("/")
                if target not in starts:
                    continue
                to = [writer.pages[starts[target]].indirect_reference, NameObject("/XYZ")]
                link[NameObject("/Dest")] = ArrayObject([*to, NullObject(), NullObject(), NullObject()])
                del link["/A"]
            kept.append(reference)
        if "/Annots" in page:
            page[NameObject("/Annots")] = kept


def as_file(writer):
    file = io.BytesIO()
    writer.write(file)
    return file


def join(site, target, chosen=lambda page: True):
    """Print the chosen pages of the site into `target`, replaced in one step; return the number of sheets."""
    whole, starts, count = PdfWriter(), {}, 0
    with serve(site) as address, Browser(timeout=180) as browser:
        browser.view()
        for caption, pages in parts():
            part = PdfWriter()
            for page in filter(chosen, pages):
                sheets = printed(browser, address + page, count + 1)
                part.append(sheets, import_outline=True)
                starts[page], count = count, count + len(sheets.pages)
                print(f"  {page}, {len(sheets.pages)} sheets", flush=True)
            if part.pages:
                whole.append(as_file(part), outline_item=caption, import_outline=True)
        lead_inside(whole, address, starts)
    whole.add_metadata({"/Title": "dlcourse", "/Author": "the dlcourse authors"})
    new = target.with_suffix(".new")
    new.write_bytes(as_file(whole).getvalue())
    os.replace(new, target)
    return count


def main():
    if not find():
        sys.exit(
            "No chromium found, which prints the pages: install it (Debian: `apt-get install chromium`)."
        )
    book.build("shown")
    count = join(book.HTML, TARGET)
    print(f"{count} sheets, {TARGET.stat().st_size / 1e6:.0f} MB → {TARGET}")


if __name__ == "__main__":
    main()
