"""The page "Reading with the textbook": complete, without dead links; the projects have what they promise."""

import re

import pytest

pytest.importorskip("docutils", reason="the book is built with the extra `book`")

from dlcourse.course import sources
from dlcourse.course.exercises import Exercise, entries
from tools import book_reading

DATA = book_reading.data()
PROBLEMS = [(book, n, slug) for book, owners in DATA["problems"].items() for n, slug in owners.items()]
PROMPTS = [
    (f"{place}, no. {number}", prompt)
    for place, listed in DATA["prompts"].items()
    for number, prompt in enumerate(listed, 1)
]
IN_PREPARATION = [name for name, prompt in PROMPTS if not book_reading.published(prompt["chapter"])]
CHALLENGES = [(n, slug) for book, n, slug in PROBLEMS if book == "dlvr" and book_reading.published(slug)]


def test_all_problems_and_all_prompts_are_listed():
    count = {book: len(owners) for book, owners in DATA["problems"].items()}
    assert count == {"maleki2026": 26, "dlvr": 15}
    assert {place: len(listed) for place, listed in DATA["prompts"].items()} == {
        "1.5.1": 20,
        "4.8.1": 20,
        "19.6.1": 20,
    }


@pytest.mark.parametrize("book, number, slug", PROBLEMS)
def test_a_problem_of_a_published_chapter_is_solved_there(book, number, slug):
    if book_reading.published(slug):
        _, where, *cells = next(book_reading.problem_rows(book, {number: slug}))
        assert slug in where and all(cells), f"problem {number} has no exercise in {slug}"


def test_every_exercise_that_names_a_problem_stands_in_its_chapter():
    for slug in sources.chapters():
        for entry in entries(slug):
            if entry.source != "ours":
                book = {"B": "maleki2026", "V": "dlvr"}[entry.source[0]]
                assert DATA["problems"][book][entry.source[1:].rstrip("+")] == slug, entry.name


@pytest.mark.parametrize("name, prompt", PROMPTS)
def test_a_prompt_of_a_published_chapter_leads_to_one_of_its_sections(name, prompt):
    slug = prompt["chapter"]
    if name in IN_PREPARATION:
        assert re.fullmatch(r"chapter \d+, in preparation", book_reading.section(slug, ""))
        return
    title = prompt.get("section")
    assert title, f"{slug} is published: name its section that discusses {name} in {book_reading.DATA}"
    assert book_reading.headings(slug).count(title) == 1, f"{slug} has no section {title!r}, needed by {name}"
    if "question" in prompt:
        text = sources.source_path(slug).read_text("utf-8").partition("\n## Discussion\n")[2]
        assert f"\n{prompt['question']}. " in text.partition("\n## ")[0]


def test_the_page_says_which_prompts_wait_for_their_chapter():
    rows = list(book_reading.prompt_rows(DATA["prompts"]))
    waiting = [name for name, _, where in rows if "in preparation" in where and "href" not in where]
    assert waiting == IN_PREPARATION


@pytest.mark.parametrize(
    "words, found",
    [
        (", sections 5.1 to 5.2.2 and 5.3.2.", [("section", "5.1 to 5.2.2"), ("section", "5.3.2")]),
        (", section 5.2.6 with tables 5.1 to 5.3;", [("section", "5.2.6"), ("table", "5.1 to 5.3")]),
        (", introduction, sections 1.1,", [("introduction", ""), ("section", "1.1")]),
        (", section 1.3, after Pereira et al. 2017", [("section", "1.3")]),
        (" and problems P2.1, P5.1 to P5.3;", [("problem", "2.1"), ("problem", "5.1 to 5.3")]),
        (", chapters 1, 4 and 19.", [("chapter", "1"), ("chapter", "4"), ("chapter", "19")]),
    ],
)
def test_places_are_read_from_words(words, found):
    assert list(book_reading.places(words)) == found


def test_claims_of_two_books_are_told_apart():
    source = "Maleki 2026, section 6.2; DLVR, section 4.1"
    assert list(book_reading.claimed(source)) == [
        ("maleki2026", "section", "6.2"),
        ("dlvr", "section", "4.1"),
    ]
    assert list(book_reading.claimed("Baydin et al. 2018, section 3.2")) == []


def test_every_chapter_says_which_sections_it_covers():
    for slug in sources.chapters():
        assert list(book_reading.taught(slug)), slug


def test_the_page_lists_sections_in_order_each_with_a_chapter():
    claim = {"id": "X1", "source": "Maleki 2026, section 3.3.3"}
    found = book_reading.index([(claim, sources.chapters()[2])], {})
    table = book_reading.sections_table(found, "maleki2026", ("section",))
    rows = [row.split(" | ") for row in table.splitlines()[2:]]
    numbers = [[int(n) for n in row[0].strip("| ").split(" ")[0].split(".")] for row in rows]
    assert numbers == sorted(numbers) and all("notebooks/" in row[1] for row in rows)
    assert any("3.3.3" in row[0] and "#claim-X1" in row[2] for row in rows)


@pytest.mark.parametrize("number, slug", CHALLENGES)
def test_a_challenge_is_a_project_with_starter_data_rubric_and_reference_table(number, slug):
    (name,) = [e.name for e in entries(slug) if e.source == f"V{number}+" and isinstance(e, Exercise)]
    cells = sources.read(slug).cells
    place = next(i for i, c in enumerate(cells) if c.get("id") == f"{name}-text")
    start = next(i for i in range(place, 0, -1) if f"challenge to {number}" in cells[i].source)
    text = "\n".join(cell.source for cell in cells[start : place + 1])
    for part in ("**Task**", "**Starter**", "**Data**", "**Rubric** (1 point each)"):
        assert part in text, f"{name}: {part}"
    rubric = text.partition("**Rubric** (1 point each)")[2].split("\n\n")[0].split("\n:::")[0]
    assert 4 <= len(rubric.split(";")) <= 8, rubric
    check = next(i for i, c in enumerate(cells) if c.get("id") == f"{name}-check")
    shown = next(c for c in cells[check + 1 :] if c.cell_type == "code")
    assert "print(" in shown.source and "row" in shown.source, f"{name}: no table of reference results"
