"""Without Rust a chapter still runs: Rust cells say how to get it, and what depends on them says so."""

import re

import pytest

from dlcourse.course import kernel, sources
from dlcourse.course.rust.absent import SkipDependents, names


def test_names_taken_from_earlier_cells_and_names_bound():
    assert names("y = f(x)\nfor i in y:\n    z = i")[0] == {"f", "x"}
    assert {"y", "z"} <= names("y = f(x)\nz = y")[1]


def test_a_cell_that_needs_a_missing_result_is_replaced_and_what_it_made_is_missing_too():
    skip = SkipDependents()
    assert skip(["%%rust --out a\n", "fn main() {}\n"])[0] == "%%rust --out a\n"
    assert "needs a" in skip(["b = a + 1\n"])[0]
    assert "needs b" in skip(["print(b)\n"])[0]
    assert skip(["b = 2\n"]) == ["b = 2\n"]
    assert skip(["print(b)\n"]) == ["print(b)\n"]


@pytest.mark.parametrize("slug", ["07_perceptron_xor"])
def test_a_chapter_runs_from_top_to_bottom_without_rustc(slug, tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.delenv("RUSTC", raising=False)
    monkeypatch.setenv("CI", "")
    notebook = sources.read(slug)
    kernel.client(notebook, timeout=300).execute()
    text = "".join(o.get("text", "") for c in notebook.cells for o in c.get("outputs", []))
    assert len(re.findall("Rust is not installed: get it from", text)) >= 5
    assert "Skipped: this cell needs rust_answers" in text
    assert "10 of 10 seeds solve XOR" in text  # the NumPy part does not wait for Rust
