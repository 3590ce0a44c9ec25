"""Where to begin: the self-test, the paths by aim with their hours, and the concept check of each part."""

import yaml

from dlcourse.course import sources
from dlcourse.course.exercises import Choice, Option
from dlcourse.course.exercises._quiz import Page
from dlcourse.course.markup import asset
from tools import book_map
from tools.book_reading import chapter, published, table

DATA = "book/concepts.yml"
OPTIONS = {"right": True, "wrong": False}


def data(root=sources.ROOT):
    return yaml.safe_load((root / DATA).read_text(encoding="utf-8"))


# --- Self-test and paths --------------------------------------------------------------------------------


def self_test(rows):
    """A numbered list; the first line that one cannot say yes to names the chapter to begin with."""
    lines = [f"1. {row['can']} *If not:* {chapter(row['chapter'])}; {row['why']}." for row in rows]
    return "\n".join(lines)


def hours(minutes):
    """420 is "7 hours", 430 "7 hours 10 minutes", 50 "50 minutes"."""
    whole, rest = divmod(minutes, 60)
    words = [f"{whole} hour{'s' * (whole > 1)}"] * bool(whole) + [f"{rest} minutes"] * bool(rest)
    return " ".join(words)


def path_rows(paths, chapters):
    """Aim, chapters and time of each path; chapters that are not published yet are named and not counted."""
    known = {f"{c.number:02}": c for c in chapters}
    for name, path in paths.items():
        there = [number for number in path["chapters"] if number in known]
        waiting = [str(int(number)) for number in path["chapters"] if number not in known]
        links = ", ".join(f"[{number}](../notebooks/{known[number].slug}.ipynb)" for number in there)
        if waiting:
            links += f"; {', '.join(waiting)} in preparation"
        minutes = sum(known[number].minutes for number in there)
        yield [f"**{name}**: {path['aim']}", links, hours(minutes)]


def begin_parts(root=sources.ROOT):
    """What the names on the page "Where to begin" stand for, and the files it was read from."""
    known, chapters = data(root), book_map.read()
    parts = {
        "begin": self_test(known["begin"]),
        "paths": table(["Aim", "Chapters", "To read and run"], path_rows(known["paths"], chapters)),
    }
    return parts, [root / DATA, *(sources.source_path(c.slug) for c in chapters)]


# --- Concept checks -------------------------------------------------------------------------------------


def questions(part, rows):
    """The questions of a part as self-checks, each with the slug of the chapter that answers it."""
    for number, row in enumerate(rows, 1):
        options = []
        for option in row["options"]:
            (kind,) = OPTIONS.keys() & option.keys()
            options.append(Option(text=option[kind], says=option["says"], right=OPTIONS[kind]))
        yield Choice(name=f"part{part}-{number}", question=row["question"], options=options), row["chapter"]


def in_html(asked):
    """The questions one after the other; style and script, the same for all, stand once."""
    shared = [asset("selfcheck.css"), asset("selfcheck.js")]
    lines = list(shared)
    for choice, slug in asked:
        box = Page(choice).html()
        for text in shared:
            box = box.replace(text, "")
        number = int(slug[:2])
        there = (
            f'<a href="../notebooks/{slug}.html">chapter {number}</a>'
            if published(slug)
            else f"chapter {number}"
        )
        lines += [box, f'<p class="concept-where">Worked out in {there}.</p>']
    return "\n".join(lines)


def concept_markdown(root=sources.ROOT):
    """One section for each part, and the files it was read from."""
    sections = []
    for part, (title, rows) in enumerate(data(root)["parts"].items(), 1):
        box = in_html(questions(part, rows))
        sections.append(f"## Part {part}: {title}\n\n````{{raw}} html\n{box}\n````")
    return "\n\n".join(sections), [root / DATA]
