"""Where to begin: paths and hours from the chapters, the self-test, and ten questions for each part."""

import re
from pathlib import Path

import pytest

from dlcourse.course import sources
from tools import book_begin, book_map
from tools.book_map import Chapter

DATA = book_begin.data()
CHAPTERS = [Chapter("06_six", "A", "Six", 90, ()), Chapter("08_eight", "A", "Eight", 40, (6,))]
KNOWN = re.compile(r"\d\d_\w+")
ASKED = [
    (part, number, choice, slug)
    for part, (title, rows) in enumerate(DATA["parts"].items(), 1)
    for number, (choice, slug) in enumerate(book_begin.questions(part, rows), 1)
]


def test_a_path_adds_up_the_minutes_of_its_chapters_and_names_those_that_wait():
    (row,) = book_begin.path_rows({"Aim": {"aim": "an aim", "chapters": ["06", "08", "20"]}}, CHAPTERS)
    assert row[1] == "[06](../notebooks/06_six.ipynb), [08](../notebooks/08_eight.ipynb); 20 in preparation"
    assert row[2] == "2 hours 10 minutes"


@pytest.mark.parametrize("minutes, words", [(420, "7 hours"), (65, "1 hour 5 minutes"), (50, "50 minutes")])
def test_hours_in_words(minutes, words):
    assert book_begin.hours(minutes) == words


@pytest.mark.parametrize("name", DATA["paths"])
def test_a_path_goes_forward_through_chapters_that_exist_or_are_planned(name):
    path = [int(number) for number in DATA["paths"][name]["chapters"]]
    assert path == sorted(set(path)) and set(path) <= set(range(25))
    published = {c.number for c in book_map.read()}
    assert len(published & set(path)) >= 4


def test_the_self_test_leads_through_the_book_in_order():
    slugs = [row["chapter"] for row in DATA["begin"]]
    assert slugs == sorted(slugs) and len(slugs) == len(set(slugs)) == 10
    assert set(slugs) <= set(sources.chapters())
    text = book_begin.self_test(DATA["begin"])
    assert text.count("\n1. ") == 9 and text.count(".ipynb)") == 10


def test_every_part_has_ten_questions_from_its_own_chapters():
    parts = {caption: [Path(file).name for file in files] for caption, files in sources.parts()}
    for title, rows in DATA["parts"].items():
        assert len(rows) == 10, title
        own = [slug for slug in parts[title] if KNOWN.fullmatch(slug)]
        assert {row["chapter"] for row in rows} == set(own) - UNASKED, title


UNASKED = {"01_landscape", "02_rust_primer"}  # syntax and history: their own chapters ask enough


@pytest.mark.parametrize("part, number, choice, slug", ASKED, ids=lambda value: str(value)[:20])
def test_a_question_has_one_right_option_and_explains_each(part, number, choice, slug):
    assert [option.right for option in choice.options].count(True) == 1 and len(choice.options) >= 3
    assert all(len(option.says) > 25 for option in choice.options)
    assert "$" not in str(choice), "the page loads no MathJax"


def test_the_right_option_is_neither_always_in_one_place_nor_always_the_longest():
    for title, rows in DATA["parts"].items():
        places = [next(i for i, o in enumerate(row["options"]) if "right" in o) for row in rows]
        assert all(2 <= places.count(i) <= 5 for i in range(3)), (title, places)
        lengths = [[len(o.get("right") or o["wrong"]) for o in row["options"]] for row in rows]
        longest = sum(max(row) == row[place] for row, place in zip(lengths, places))
        assert longest <= 6, (title, longest)


def test_style_and_script_stand_once():
    html = book_begin.in_html(list(book_begin.questions(1, next(iter(DATA["parts"].values())))))
    assert html.count("<style>") == html.count("<script>") == 1 and html.count("<form") == 10


def test_the_page_answers_with_the_keyboard_alone(browser, tmp_path):
    choice = ASKED[0][2]
    page = (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>t</title><link rel="icon" href="data:,">'
    )
    (tmp_path / "index.html").write_text(page + book_begin.in_html([(choice, "05_speed")]), encoding="utf-8")
    right = next(i for i, option in enumerate(choice.options) if option.right)
    browser.open((tmp_path / "index.html").as_uri())
    browser.evaluate("document.querySelector('input').focus()")
    press(browser, " ", 32)
    for _ in range(right):
        press(browser, "ArrowDown", 40)
    press(browser, "Enter", 13)
    said = browser.evaluate("document.querySelector('.selfcheck-result').textContent")
    assert said == f"✓ Right. {choice.options[right].says}"


def press(browser, key, code):
    text = {" ": " ", "Enter": "\r"}.get(key)
    press = {"key": key, "windowsVirtualKeyCode": code, **({"text": text} if text else {})}
    for kind in ("keyDown", "keyUp"):
        browser.send("Input.dispatchKeyEvent", type=kind, **press)
