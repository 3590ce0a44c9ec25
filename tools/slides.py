"""`make slides`: a deck for every chapter in build/slides, of its figures, formulas and claims (CH=07: one).

Nothing is written twice: a deck is cut out of the chapter's built page. Each section gives its first sentence
and displayed formulas, then every question to predict, figure, explorer, claim, triplet of programs and
exercise on a slide of its own. The arrow keys turn the slides; what is too large is scaled down.
"""

import os
import re
import shutil
import sys

from bs4 import BeautifulSoup, NavigableString

from tools import book, notebooks
from tools.environment import ROOT

TARGET = ROOT / "build" / "slides"
FORMULAS = 3  # displayed formulas on one slide
ALONE = ".predict, figure, .explorer, .claim, .sd-tab-set.triplet"  # a slide each
LONGEST = 45  # lines of a program; a longer one stays in the chapter
LISTS = ("What you should now be able to explain", "Discussion")  # sections shown whole
PAGE = """<!doctype html>
<html lang="en" data-theme="light"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<link rel="icon" href="_static/favicon.svg">
{styles}
<script>window.MathJax = {{options: {{processHtmlClass: "math"}}}}</script>
<script defer src="_static/vendor/mathjax/tex-mml-chtml.js"></script>
<script defer src="_static/slides.js"></script>
</head><body class="deck bd-article">
{slides}
</body></html>
"""
STYLES = ["pygments.css", "sphinx-design.min.css", "dlcourse.css", "slides.css"]
STYLES += [f"vendor/fonts/{name}/wght.css" for name in ("source-serif-4", "source-sans-3", "source-code-pro")]


def first_sentence(paragraph):
    """The paragraph up to its first full stop, with its formulas and emphasis."""
    kept = BeautifulSoup("<p></p>", "html.parser").p
    for child in list(paragraph.children):
        if isinstance(child, NavigableString) and (end := re.search(r"[.?!:](?=\s|$)", child)):
            kept.append(child[: end.start()] + child[end.start()].replace(":", "."))
            return kept
        kept.append(child.extract())
    return kept


def own(section, selector):
    """What the section contains that is not in one of its subsections, outermost elements only."""
    found = [e for e in section.select(selector) if e.find_parent("section") is section]
    return [e for e in found if not any(parent in found for parent in e.parents)]


def with_output(element):
    """The element, or for an explorer the whole output, whose script makes it move."""
    return (
        element.find_parent(class_="output") or element if "explorer" in element.get("class", ()) else element
    )


def too_long(element):
    return any(pre.get_text().count("\n") > LONGEST for pre in element.select("pre"))


def slides_of(section):
    """The slides of one section, as lists of elements under its heading."""
    lists = section.find(["h2", "h3"]).get_text() in LISTS
    opening = own(section, "ul, ol") if lists else []
    if not lists and (paragraph := section.find("p", recursive=False)):
        opening.append(first_sentence(paragraph))
    formulas = own(section, "div.math")
    alone = [with_output(element) for element in own(section, ALONE) if not too_long(element)]
    alone += own(section, ".exercise")
    if not formulas and alone:  # one sentence is no slide
        opening.append(alone.pop(0))
    yield [*opening, *formulas[:FORMULAS]]
    for start in range(FORMULAS, len(formulas), FORMULAS):
        yield formulas[start : start + FORMULAS]
    yield from ([element] for element in alone)


def cleaned(element):
    """Without what a screen cannot use: what is folded, and links inside the site."""
    for folded in element.select("details"):
        folded.decompose()
    for link in element.select("a[href]"):
        if not link["href"].startswith(("http:", "https:")):
            link.unwrap()
    return str(element)


def deck(html):
    """The deck of a chapter's page."""
    page = BeautifulSoup(html, "html.parser")
    article = page.find("article")
    for extra in article.select(".headerlink, .cell_input"):
        if not extra.find_parent(class_="triplet"):
            extra.decompose()
    title = article.find("h1")
    goals = article.select_one(".opener > p:nth-of-type(2)")
    slides = [f'<section class="slide first"><h1>{title.decode_contents()}</h1>{goals or ""}</section>']
    for section in article.select("section section"):
        heading = section.find(["h2", "h3"]).decode_contents()
        for elements in filter(None, slides_of(section)):
            body = "".join(map(cleaned, elements))
            slides.append(f'<section class="slide"><h2>{heading}</h2><div>{body}</div></section>')
    styles = "\n".join(f'<link rel="stylesheet" href="_static/{name}">' for name in STYLES)
    text = PAGE.format(title=title.get_text(), styles=styles, slides="\n".join(slides))
    return text.replace("../_images/", "_images/")


def build(site, target, slugs):
    """Write the chapters' decks, and what they load, into the folder `target`, which is replaced at once."""
    new = target.with_name(target.name + ".new")
    shutil.rmtree(new, ignore_errors=True)
    for folder in ("_static", "_images"):
        shutil.copytree(site / folder, new / folder)
    for slug in slugs:
        (new / f"{slug}.html").write_text(
            deck((site / "notebooks" / f"{slug}.html").read_text("utf-8")), "utf-8"
        )
    shutil.rmtree(target, ignore_errors=True)
    os.replace(new, target)


def main():
    try:
        chapters = notebooks.selected(os.environ.get("CH", "").split())
    except notebooks.BuildError as error:
        sys.exit(str(error))
    book.build("shown")
    build(book.HTML, TARGET, chapters)
    print(f"{len(chapters)} decks → {TARGET}")


if __name__ == "__main__":
    main()
