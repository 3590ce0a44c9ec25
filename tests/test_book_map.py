"""The map of the chapters: what it reads, and that nothing lies over anything else."""

import re
from itertools import combinations

import pytest

pytest.importorskip("jupyter_book", reason="the book is built with the extra `book`")

from dlcourse.course import sources
from tools import book_map


@pytest.fixture(scope="module")
def chapters():
    return book_map.read()


def test_chapters_named_in_a_sentence_are_found():
    assert book_map.numbers("chapters 6, 9 and 11: descent; chapter 12 (dropout); chapter 8 or 10") == (
        6,
        8,
        9,
        10,
        11,
        12,
    )
    assert book_map.numbers("Chapter 2: reading Rust. Two chapters are short.") == (2,)


def test_every_chapter_stands_on_the_map_and_builds_on_earlier_ones(chapters):
    assert [c.slug for c in chapters] == sources.chapters()
    assert all(n < c.number for c in chapters for n in c.before)
    svg = book_map.drawing(chapters)
    assert [int(n) for n in re.findall(r'class="map-(\d+)"', svg)] == [c.number for c in chapters]
    assert svg.count("<path ") == sum(len(c.before) for c in chapters)


def test_boxes_do_not_overlap_and_hold_their_words(chapters):
    at = book_map.places(chapters).values()
    wide, high = book_map.WIDTH, book_map.HEIGHT + book_map.HEAD
    assert all(abs(x - u) >= wide or abs(y - v) >= high for (x, y), (u, v) in combinations(at, 2))
    assert all(len(line) <= 14 for c in chapters for line in book_map.lines_of(c.topic))


def test_a_chapter_without_its_facts_is_named(tmp_path, monkeypatch):
    (tmp_path / "03_bare.md").write_text("# Bare\n\n**Time** 20 minutes to read and run.\n")
    monkeypatch.setattr(sources, "source_path", lambda slug: tmp_path / f"{slug}.md")
    with pytest.raises(ValueError, match="03_bare: .*Before"):
        book_map.chapter("03_bare", "A part")
