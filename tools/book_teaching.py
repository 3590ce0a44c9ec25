"""The teaching notes: for every chapter a page in book/teaching, filled with what the chapter says already.

Written by hand are the plan of a lesson, the board and the answers. The chapter's title and hours, its
discussion questions and the mistakes that its checks know are put in when the book is built.
"""

import html
import os
import re

from dlcourse.course import sources
from dlcourse.course.exercises import Exercise, entries
from tools import book_map
from tools.book_begin import hours
from tools.book_reading import table, titles

FOLDER = "book/teaching"
MINUTES = 90
ROW = re.compile(r"^\| (\d+) \| ", re.MULTILINE)
QUESTION = re.compile(r"^\{\{ question (\d+): (.+?) \}\}$", re.MULTILINE)
CLOSED = """
## What students get wrong, and answers

This edition is published without solutions. Common mistakes and answers to the discussion stand in the
edition with solutions.
"""
MODEL = f"{FOLDER}/07_perceptron_xor.md"
TO_WRITE = f"""write {FOLDER}/SLUG.md, after the model of {MODEL}, and name it in book/_toc.yml:
  ## Lesson: a table `| minutes | step |` that adds up to {MINUTES}; an exercise for the class, one for home
  ## Board: three to five numbered lines or drawings, in the order in which they come
  ## What students get wrong: one or two sentences on the deepest misconception, then {{{{ mistakes }}}}
  ## Discussion: for each question {{{{ question 1: Its opening words }}}}, and an answer below"""


def path(slug):
    return sources.ROOT / FOLDER / f"{slug}.md"


def section(text, title):
    """What stands under a heading of the second level; empty where there is none."""
    return text.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def questions(slug):
    """The discussion questions of a chapter, in order."""
    text = section(sources.source_path(slug).read_text(encoding="utf-8"), "Discussion")
    return [" ".join(item.split()) for item in re.split(r"^\d+\. ", text, flags=re.MULTILINE)[1:]]


def answers(text):
    """(number, opening words of the question, answer) for each question that the notes answer."""
    _, *parts = QUESTION.split(section(text, "Discussion"))
    return [(int(n), words, answer.strip()) for n, words, answer in zip(*[iter(parts)] * 3)]


def known_exercises(slug):
    """The exercises of a chapter as (entry, title), in reading order."""
    entry = {e.name: e for e in entries(slug) if isinstance(e, Exercise)}
    return [(entry[name], title) for name, title in titles(slug).items() if name in entry]


def in_html(words):
    """Plain text in which backticks mark code."""
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", html.escape(words))


def mistakes_table(slug):
    """Each exercise with its facts and the words that its check has for every mistake it knows."""
    rows = []
    for entry, title in known_exercises(slug):
        address = f"../../notebooks/{slug}.html#{entry.name}-text"
        said = "".join(f"<li>{in_html(mistake.says)}</li>" for mistake in entry.mistakes)
        name = (
            f'<a class="reference internal" href="{address}">{in_html(title)}</a><small>{entry.facts}</small>'
        )
        rows.append(f'<tr><th scope="row">{name}</th><td><ul>{said}</ul></td></tr>')
    heads = '<th scope="col">Exercise</th><th scope="col">What its check says to a mistake that it knows</th>'
    return f'<table class="mistakes"><thead><tr>{heads}</tr></thead><tbody>{"".join(rows)}</tbody></table>'


def chapter_line(slug):
    """The chapter, the time it takes at home, and its exercises."""
    chapter = book_map.chapter(slug, "")
    known = known_exercises(slug)
    minutes = sum(entry.minutes for entry, _ in known)
    return (
        f"For [{chapter.title}](../../notebooks/{slug}.ipynb): {hours(chapter.minutes)} to read and run, "
        f"{len(known)} exercises that take {hours(minutes)} together."
    )


def page(text, slug):
    """A page of notes with everything filled in, and the files it was read from."""
    asked = questions(slug)
    parts = {"chapter": chapter_line(slug), "mistakes": f"```{{raw}} html\n{mistakes_table(slug)}\n```"}
    for number, words, _ in answers(text):
        quoted = asked[number - 1] if number <= len(asked) else words  # the tests compare the two
        parts[f"question {number}: {words}"] = f"> **{number}.** {quoted}"
    if os.environ.get("SOLUTIONS") == "hidden":
        text = text.partition("\n## What students get wrong\n")[0] + CLOSED
    for name, filled in parts.items():
        text = text.replace(f"{{{{ {name} }}}}", filled)
    return text, [sources.source_path(slug), sources.notebook_path(slug)]


def lessons_markdown(root):
    """What `{{ lessons }}` stands for: the chapters with their notes; and the files it was read from."""
    rows, files = [], [root / "book" / "_toc.yml"]
    for chapter in book_map.read():
        known = [entry for entry, _ in known_exercises(chapter.slug)]
        notes = f"[notes](teaching/{chapter.slug}.md)" if path(chapter.slug).exists() else ""
        title = f"{chapter.number}. [{chapter.title}](../notebooks/{chapter.slug}.ipynb)"
        mistakes = sum(len(entry.mistakes) for entry in known)
        rows.append([title, hours(chapter.minutes), f"{len(known)}", f"{mistakes}", notes])
        files.append(sources.source_path(chapter.slug))
    return table(["Chapter", "To read and run", "Exercises", "Mistakes they know", "Lesson"], rows), files
