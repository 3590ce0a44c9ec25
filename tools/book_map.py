"""The map of the course on the first page, and the list under it, made from the chapters and their order."""

import html
import re
from dataclasses import dataclass
from pathlib import Path

from dlcourse.course import sources

WIDTH, HEIGHT, GAP = 112, 44, 13  # of a chapter's box, and between two of them
ROW, HEAD = 104, 22  # from one part to the next; the part's name above its boxes
CAPITALS = {"xor", "mlp", "cnn", "rnn", "lstm", "gan"}


@dataclass(frozen=True)
class Chapter:
    """What the map shows of one chapter; `before` holds the numbers of those it builds on."""

    slug: str
    part: str
    title: str
    minutes: int  # to read and run
    before: tuple[int, ...]

    @property
    def number(self):
        return int(self.slug[:2])

    @property
    def topic(self):
        """The chapter's name in the words of its file: 07_perceptron_xor is "perceptron XOR"."""
        return " ".join(w.upper() if w in CAPITALS else w for w in self.slug.split("_")[1:])


def numbers(words):
    """The chapters named in a sentence: "chapters 6, 9 and 11; chapter 12" is (6, 9, 11, 12)."""
    found = re.findall(r"[Cc]hapters? ((?:\d+(?:, | and | or )?)+)", words)
    return tuple(sorted({int(n) for group in found for n in re.findall(r"\d+", group)}))


def chapter(slug, part):
    text = sources.source_path(slug).read_text()
    time = re.search(r"^\*\*Time\*\* (\d+) minutes to read and run", text, re.M)
    before = re.search(r"^\*\*Before\*\* (.*)$", text, re.M)
    if not time or not before:
        raise ValueError(
            f"{slug}: expected lines `**Time** 90 minutes to read and run` and `**Before** …` under the title"
        )
    title = re.search(r"^# (.*)$", text, re.M)[1]
    return Chapter(slug, part, title, int(time[1]), numbers(before[1]))


def read():
    """All chapters in the order of the book."""
    listed = [(Path(file), caption) for caption, files in sources.parts() for file in files]
    return [chapter(file.name, caption) for file, caption in listed if file.parent == Path("notebooks")]


def places(chapters):
    """Number -> (x, y) of the upper left corner of the chapter's box: one row for each part."""
    found, parts = {}, list(dict.fromkeys(c.part for c in chapters))
    for row, part in enumerate(parts):
        for column, c in enumerate(c for c in chapters if c.part == part):
            found[c.number] = column * (WIDTH + GAP) + 1, row * ROW + HEAD
    return found


def edge(start, end):
    """The path from a box to a later one: straight to a neighbour, below the boxes in a row, else down."""
    (x0, y0), (x1, y1) = start, end
    if y0 != y1:
        (a, b), (c, d) = (x0 + WIDTH / 2, y0 + HEIGHT), (x1 + WIDTH / 2, y1)
        bend = (d - b) / 2
        return f"M{a:g} {b:g}C{a:g} {b + bend:g} {c:g} {d - bend:g} {c:g} {d:g}"
    if x1 - x0 == WIDTH + GAP:
        return f"M{x0 + WIDTH:g} {y0 + HEIGHT / 2:g}H{x1:g}"
    a, c, b = x0 + 0.7 * WIDTH, x1 + 0.3 * WIDTH, y0 + HEIGHT
    return f"M{a:g} {b:g}C{a:g} {b + 24:g} {c:g} {b + 24:g} {c:g} {b:g}"


def lines_of(topic):
    """A topic on one line, or on two if it is long."""
    words = topic.split()
    return [topic] if len(topic) <= 14 else [" ".join(words[:-1]), words[-1]]


def box(c, x, y):
    middle, lines = x + WIDTH / 2, lines_of(c.topic)
    first = y + HEIGHT / 2 + (5 if len(lines) == 1 else -2)
    text = "".join(
        f'<tspan x="{middle + 11:g}" y="{first + 14 * i:g}">{line}</tspan>' for i, line in enumerate(lines)
    )
    number = f'<text class="number" x="{x + 8:g}" y="{y + HEIGHT / 2 + 5:g}">{c.number}</text>'
    return (
        f'<a href="../notebooks/{c.slug}.html" class="map-{c.number}"><title>{html.escape(c.title)}</title>'
        f'<rect x="{x:g}" y="{y:g}" width="{WIDTH}" height="{HEIGHT}" rx="5"/>{number}<text>{text}</text></a>'
    )


def drawing(chapters):
    """The map as SVG: a row for each part, a line from each chapter to those that build on it."""
    at = places(chapters)
    edges = [(n, c.number) for c in chapters for n in c.before if n in at]
    captions = {at[c.number][1]: c.part for c in reversed(chapters)}
    width = max(x for x, _ in at.values()) + WIDTH + 1
    height = max(y for _, y in at.values()) + HEIGHT + 2
    paths = "".join(f'<path class="from-{a} to-{b}" d="{edge(at[a], at[b])}"/>' for a, b in edges)
    heads = "".join(
        f'<text class="part" x="1" y="{y - 8:g}">{html.escape(p)}</text>' for y, p in captions.items()
    )
    rules = ",".join(f".map:has(.map-{n}:is(:hover,:focus)) .to-{n}" for n in at)
    return (
        f'<svg class="map" viewBox="0 0 {width:g} {height:g}" role="group" aria-label="Map of the chapters">'
        f"<style>{rules}{{stroke:var(--accent);stroke-width:2.5;opacity:1}}</style>"
        f'<g fill="none">{paths}</g>{heads}{"".join(box(c, *at[c.number]) for c in chapters)}</svg>'
    )


def listing(chapters):
    """The same as a list by part, with title and minutes, for small screens and for those who listen."""
    rows, part = [], None
    for c in chapters:
        if c.part != part:
            rows += ["", f"**{c.part}**", ""]
            part = c.part
        rows.append(f"{c.number}. [{c.title}](../notebooks/{c.slug}.ipynb) ({c.minutes} minutes)")
    return "\n".join(rows)


def course_markdown(root):
    """What `{{ course }}` stands for, and the files it was read from."""
    chapters = read()
    figure = f'<figure class="chapter-map">\n{drawing(chapters)}\n</figure>'
    files = [root / "book" / "_toc.yml", *(sources.source_path(c.slug) for c in chapters)]
    return f"```{{raw}} html\n{figure}\n```\n{listing(chapters)}\n", files
