"""The page "Reading with the textbook": what became of each section, table, problem and prompt.

It is read from the chapters' openers, the claims of the executed notebooks, the exercises' `source` and
book/reading.yml.
"""

import functools
import re

import yaml
from docutils.nodes import make_id

from dlcourse.course import sources
from dlcourse.course.exercises import Exercise, entries

DATA = "book/reading.yml"
# key of the bibliography -> name in the sources of claims, first letter in those of exercises
BOOKS = {"maleki2026": ("Maleki 2026", "B"), "dlvr": ("DLVR", "V")}
OPENER = re.compile(r"\*\*In the textbooks\*\*(.*?)\n:::", re.DOTALL)
PLACE = re.compile(
    r"(section|problem|exercise|table|figure|listing|equation|chapter|introduction)s?\b"
    r"|\bp?(\d+(?:\.\d+)*)(?: to p?(\d+(?:\.\d+)*))?",
    re.IGNORECASE,
)
NUMBERED = ("table", "figure", "equation", "listing")


def data(root=sources.ROOT):
    return yaml.safe_load((root / DATA).read_text(encoding="utf-8"))


# --- Links ----------------------------------------------------------------------------------------------


def published(slug):
    return slug in sources.chapters()


def link(text, slug, anchor):
    return f'<a class="reference internal" href="../notebooks/{slug}.html#{anchor}">{text}</a>'


def chapter(slug):
    """A link to a chapter, or words where it is not published yet."""
    number = int(slug[:2])
    if not published(slug):
        return f"chapter {number}, in preparation"
    return f"[chapter {number}](../notebooks/{slug}.ipynb)"


def headings(slug):
    """The headings of a chapter's prose, without those of its exercises."""
    prose = [c for c in sources.read(slug).cells if c.cell_type == "markdown" and not sources.role(c)]
    return [title for cell in prose for title in re.findall(r"^##+ (.+)$", cell.source, re.MULTILINE)]


def section(slug, title, question=None):
    """A link to a section; with a question's number where it is one of the chapter's discussion."""
    if not published(slug):
        return chapter(slug)
    words = title if question is None else f"{title}, question {question}"
    return f"{chapter(slug)}: {link(words, slug, make_id(title))}"


# --- Sections, tables, claims ---------------------------------------------------------------------------


def places(words):
    """The places that a text names: ("section", "4.1 to 4.4"), ("table", "5.1"), ("introduction", "")."""
    kind = "section"
    for name, first, last in PLACE.findall(words):
        if name:
            kind = name.lower()
        if kind == "introduction" and name:
            yield kind, ""
        elif first and ("." in first or kind == "chapter"):  # a number without a dot may be a year
            yield kind, f"{first} to {last}" if last else first


def taught(slug):
    """(book, kind, place) for all that the opener of a chapter names."""
    text = OPENER.search(sources.source_path(slug).read_text(encoding="utf-8"))[1]
    for book, words in re.findall(r"\{cite\}`(\w+)`([^{]*)", text):
        for kind, place in places(words):
            yield book, kind, place


def claimed(source):
    """(book, kind, place) for all that the source of a claim names."""
    for part in source.split(";"):
        for book, (name, _) in BOOKS.items():
            if part.strip().startswith(name):
                for kind, place in places(part.strip().removeprefix(name)):
                    yield book, kind, place


def index(claims, extra):
    """{(book, kind, place): ([links to chapters], [links to claims])} in the order of the textbooks."""
    found = {}
    for slug in sources.chapters():
        for key in taught(slug):
            found.setdefault(key, ([], []))[0].append(chapter(slug))
    for claim, slug in claims:
        for key in claimed(claim["source"]):
            chapters, links = found.setdefault(key, ([], []))
            links.append(link(claim["id"], slug, f"claim-{claim['id']}"))
            if not chapters:
                chapters.append(chapter(slug))
    for book, rows in extra.items():
        for place, slug in rows.items():
            key = (book, *place.split())
            if chapter(slug) not in found.setdefault(key, ([], []))[0]:
                found[key][0].append(chapter(slug))
    return dict(sorted(found.items(), key=lambda item: order(*item[0])))


def order(book, kind, place):
    return list(BOOKS).index(book), [int(n) for n in place.split(" ")[0].split(".") if n], place, kind


def table(head, rows):
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def sections_table(found, book, kinds):
    rows = []
    for (owner, kind, place), (chapters, claims) in found.items():
        if owner == book and kind in kinds:
            name = f"{kind}s" if " to " in place else kind
            where = place if kind == "section" else f"{name} {place}".strip()
            rows.append([where, ", ".join(dict.fromkeys(chapters)), ", ".join(dict.fromkeys(claims))])
    return table(["In the textbook", "Taught in", "Claims measured"], rows)


# --- Problems -------------------------------------------------------------------------------------------


@functools.cache  # several tables name the same chapter
def titles(slug):
    """{name of an exercise: its heading} of a chapter."""
    found = sources.exercises(sources.stored(slug))
    strip = re.compile(r"#+\s*(?:Exercise\b[^:]*:\s*)?")
    return {e.name: strip.sub("", e.text.splitlines()[0], count=1) for e in found}


def answers(slug, source):
    """Links to a chapter's exercises and words for its self-checks that come from this problem."""
    known = titles(slug)
    for entry in entries(slug):
        if entry.source == source and isinstance(entry, Exercise):
            yield link(known[entry.name], slug, f"{entry.name}-text")
    count = sum(entry.source == source and not isinstance(entry, Exercise) for entry in entries(slug))
    if count:
        yield f"{count} self-check{'s' * (count > 1)}"


def problem_rows(book, owners):
    for number, slug in owners.items():
        source = f"{BOOKS[book][1]}{number}"
        tasks = [source] if book == "maleki2026" else [source, f"{source}+"]
        cells = [", ".join(answers(slug, task)) if published(slug) else "" for task in tasks]
        yield [number, chapter(slug), *cells]


def problems_table(book, owners):
    head = ["Problem", "Chapter", "Here"] + (["Challenge, as a project"] if book == "dlvr" else [])
    return table(head, problem_rows(book, owners))


# --- Prompts --------------------------------------------------------------------------------------------


def prompt_rows(prompts):
    for place, listed in prompts.items():
        for number, prompt in enumerate(listed, 1):
            where = section(prompt["chapter"], prompt.get("section", ""), prompt.get("question"))
            yield [f"{place}, no. {number}", prompt["about"], where]


def reading_parts(claims, root=sources.ROOT):
    """What the names in double braces on the page stand for, and the files it was read from."""
    known = data(root)
    found = index(claims, known["places"])
    parts = {"prompts": table(["Prompt", "About", "Discussed in"], prompt_rows(known["prompts"]))}
    for book in BOOKS:
        parts[f"{book}_sections"] = sections_table(found, book, ("introduction", "chapter", "section"))
        parts[f"{book}_problems"] = problems_table(book, known["problems"][book])
    parts["numbered"] = sections_table(found, "maleki2026", NUMBERED)
    return parts, [root / DATA, *(sources.notebook_path(slug) for slug in sources.chapters())]
