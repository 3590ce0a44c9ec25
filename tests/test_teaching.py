"""The teaching notes: every chapter has a lesson of 90 minutes, a board, an answer to each question."""

import re

import pytest

pytest.importorskip("docutils", reason="the book is built with the extra `book`")

from dlcourse.course import sources
from tools import book_teaching

SECTIONS = ["Lesson", "Board", "What students get wrong", "Discussion"]


@pytest.fixture(params=[slug for slug in sources.chapters() if book_teaching.path(slug).exists()])
def notes(request):
    """(slug, text) of a chapter's notes."""
    return request.param, book_teaching.path(request.param).read_text(encoding="utf-8")


@pytest.mark.parametrize("slug", sources.chapters())
def test_a_chapter_of_the_book_has_notes(slug):
    if not book_teaching.path(slug).exists():
        told = book_teaching.TO_WRITE.replace("SLUG", slug)
        pytest.fail(f"{slug} has no teaching notes: {told}", pytrace=False)


def test_the_notes_have_their_sections_and_a_place_in_the_contents(notes):
    slug, text = notes
    assert re.findall(r"^## (.+)$", text, re.MULTILINE) == SECTIONS
    assert text.count("{{ chapter }}") == text.count("{{ mistakes }}") == 1
    assert f"{book_teaching.FOLDER}/{slug}" in sources.toc_files()


def test_the_lesson_takes_90_minutes(notes):
    slug, text = notes
    minutes = [int(number) for number in book_teaching.ROW.findall(book_teaching.section(text, "Lesson"))]
    assert sum(minutes) == book_teaching.MINUTES, f"{slug}: {minutes} add up to {sum(minutes)}"


def test_the_lesson_names_exercises_for_the_class_and_for_home(notes):
    slug, text = notes
    known = {entry.name for entry, _ in book_teaching.known_exercises(slug)}
    lesson = book_teaching.section(text, "Lesson")
    assert lesson.count("**At home.**") == 1
    for part in lesson.split("**At home.**"):
        named = re.findall(r"\{ref\}`[^`<]+<([\w-]+)-text>`", part)
        assert named, f"{slug}: no exercise in {part[:60]!r}"
        assert not set(named) - known, f"{slug} has no exercise {set(named) - known}"


def test_the_board_has_three_to_five_things_on_it(notes):
    slug, text = notes
    items = re.findall(r"^(\d)\. ", book_teaching.section(text, "Board"), re.MULTILINE)
    assert items == [str(n) for n in range(1, len(items) + 1)] and 3 <= len(items) <= 5, (slug, items)


def test_every_question_of_the_discussion_is_answered_and_none_has_changed(notes):
    slug, text = notes
    asked, answered = book_teaching.questions(slug), book_teaching.answers(text)
    assert asked, f"{slug}: no questions under ## Discussion"
    numbers = [number for number, _, _ in answered]
    assert numbers == list(range(1, len(asked) + 1)), f"{slug}: {len(asked)} questions, answers to {numbers}"
    for number, words, answer in answered:
        begins = asked[number - 1].startswith(words)
        assert begins, f"{slug}, question {number} no longer begins {words!r}: look at its answer again"
        assert 120 < len(answer) < 1800, (slug, number, len(answer))


def test_a_page_is_filled_with_questions_and_mistakes():
    slug = "07_perceptron_xor"
    text = book_teaching.path(slug).read_text(encoding="utf-8")
    filled, files = book_teaching.page(text, slug)
    assert "{{" not in filled and sources.source_path(slug) in files
    assert f"> **1.** {book_teaching.questions(slug)[0]}" in filled
    for entry, title in book_teaching.known_exercises(slug):
        assert f"{slug}.html#{entry.name}-text" in filled and title in filled
        assert all(book_teaching.in_html(mistake.says) in filled for mistake in entry.mistakes)


def test_an_edition_without_solutions_has_neither_answers_nor_mistakes(monkeypatch):
    monkeypatch.setenv("SOLUTIONS", "hidden")
    slug = "07_perceptron_xor"
    text = book_teaching.path(slug).read_text(encoding="utf-8")
    filled, _ = book_teaching.page(text, slug)
    assert "## Board" in filled and "{{" not in filled
    assert not any(answer in filled for _, _, answer in book_teaching.answers(text))
    for entry, _ in book_teaching.known_exercises(slug):
        assert not any(book_teaching.in_html(mistake.says) in filled for mistake in entry.mistakes)
