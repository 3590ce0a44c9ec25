"""The reader of chapters: metadata and ids it adds, the versions it makes, and damage it names."""

import pytest

from dlcourse.course import glue, kernel, readable, sources

EXERCISE = """# Toy

+++ {"tags": ["exercise"]}

### Exercise: double

Write `double(x)`.

```{code-cell} ipython3
:tags: [exercise-solution]
:name: double

def double(x):
    ### BEGIN SOLUTION
    secret = 2
    return secret * x
    ### END SOLUTION
```

```{code-cell} ipython3
:tags: [exercise-check]
:points: 2

assert double(2) == 4
### BEGIN HIDDEN TESTS
assert double(-7) == -14
### END HIDDEN TESTS
```
"""
RUST = """%%rust --lib double
pub fn double(x: i64) -> i64 {
    // ### BEGIN SOLUTION
    2 * x
    // ### END SOLUTION
}"""


@pytest.fixture
def read(tmp_path, monkeypatch):
    (tmp_path / "notebooks").mkdir()
    monkeypatch.setattr(sources, "ROOT", tmp_path)

    def read(text):
        sources.source_path("01_toy").write_text(text, encoding="utf-8")
        return sources.read("01_toy")

    return read


def test_an_exercise_gets_the_metadata_of_nbgrader(read):
    text, solution, check = read(EXERCISE).cells[1:]
    common = {"schema_version": 3, "task": False}
    locked = {"grade": False, "locked": True, "solution": False, "cell_type": "markdown"}
    assert text.metadata.nbgrader == {"grade_id": "double-text", **locked, **common}
    answer = {"grade": False, "locked": False, "solution": True}
    assert solution.metadata.nbgrader == {"grade_id": "double-code", **answer, **common}
    graded = {"grade": True, "locked": True, "solution": False, "points": 2}
    assert check.metadata.nbgrader == {"grade_id": "double-check", **graded, **common}
    (exercise,) = sources.exercises(read(EXERCISE))
    assert (exercise.name, exercise.points, exercise.language) == ("double", 2, "python")
    assert "Write `double(x)`" in exercise.text and "HIDDEN" in exercise.check


def test_ids_come_from_the_text_alone_and_repeats_are_counted(read):
    cell = "```{code-cell}\nx = 1\n```\n\n"
    ids = [cell.id for cell in read(cell * 3).cells]
    assert ids == [ids[0], f"{ids[0]}-2", f"{ids[0]}-3"] and len(ids[0]) == 8
    assert read(cell).cells[0].id == ids[0]
    assert [cell.id for cell in read(EXERCISE).cells[1:]] == ["double-text", "double-code", "double-check"]


def test_the_notebooks_metadata_are_constant(read):
    metadata = read("---\nauthor: me\nkernelspec:\n  name: other\n  display_name: X\n---\n# Title\n").metadata
    assert set(metadata) == {"kernelspec", "language_info", "dlcourse"}
    assert metadata.kernelspec.name == "python3" and "version" not in metadata.language_info


def test_a_python_stub_keeps_what_stands_outside_the_markers(read):
    (exercise,) = sources.exercises(read(EXERCISE))
    assert sources.stub(exercise.solution) == (
        "def double(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
    )
    assert sources.solved(exercise.solution) == "def double(x):\n    secret = 2\n    return secret * x"
    assert sources.visible(exercise.check) == "assert double(2) == 4"


def test_a_rust_stub_compiles_to_a_panic():
    assert sources.is_rust(RUST) and not sources.is_rust("# %%rust")
    assert sources.stub(RUST).splitlines()[2:] == ["    // YOUR CODE HERE", "    todo!()", "}"]
    assert sources.solved(RUST).splitlines()[2:] == ["    2 * x", "}"]


def test_a_definition_inside_the_markers_leaves_with_them():
    source = "import math\n### BEGIN SOLUTION\ndef f():\n    return 1\n### END SOLUTION\nf()"
    assert sources.stub(source) == "import math\n# YOUR CODE HERE\nraise NotImplementedError()\nf()"


def test_the_assignment_holds_only_setup_and_exercises_with_solutions(read):
    setup = "```{code-cell}\n:tags: [setup]\n\nimport math\n```\n\n```{code-cell}\nprint(1)\n```\n"
    notebook = sources.assignment(read(EXERCISE + setup))
    assert [cell.source.split("\n")[0] for cell in notebook.cells] == [
        "### Exercise: double",
        "def double(x):",
        "assert double(2) == 4",
        "import math",
    ]
    assert "secret = 2" in notebook.cells[1].source and "-14" in notebook.cells[2].source


def test_the_student_gets_neither_solutions_nor_hidden_tests_nor_outputs(read):
    notebook = read(EXERCISE)
    notebook.cells[2]["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "secret"}]
    whole = str(sources.student(notebook))
    for leak in ("secret", "-14", "BEGIN", "HIDDEN", "nbgrader"):
        assert leak not in whole
    assert "assert double(2) == 4" in whole and "NotImplementedError" in whole


def test_run_all_goes_on_past_what_is_not_solved_yet(read):
    after = "```{code-cell}\n%s\n```\n"
    notebook = read(EXERCISE + after % "double(3)" + after % "other.double(3)" + after % "1 / 0")
    cells = [cell for cell in sources.student(notebook).cells if cell.id != "light-start"]
    tagged = ["raises-exception" in sources.tags(cell) for cell in cells]
    assert tagged == [False, False, True, True, True, False, False]


def test_run_all_goes_on_where_python_would_call_rustc(read):
    cell = "```{code-cell}\n:tags: [rust]\n\n%s\n```\n"
    notebook = read(EXERCISE + cell % "compile_and_run(program)" + cell % "%%rust\nfn main() {}")
    python, rust = sources.student(notebook).cells[-2:]
    assert "raises-exception" in sources.tags(python) and "raises-exception" not in sources.tags(rust)


@pytest.mark.slow
@pytest.mark.parametrize("slug", sources.chapters())
def test_a_students_notebook_runs_to_its_end(slug, tmp_path):
    """Nothing but the unsolved exercises, and what calls them, fails; nbclient stops at anything else."""
    notebook = sources.student(sources.stored(slug))
    kernel.client(notebook, timeout=600, resources={"metadata": {"path": str(tmp_path)}}).execute()
    failed = [c for c in notebook.cells for o in c.get("outputs", []) if o.output_type == "error"]
    assert any(sources.role(cell) == sources.CHECK for cell in failed)


def test_a_leaking_hidden_test_would_be_seen(read, monkeypatch):
    monkeypatch.setattr(sources, "visible", lambda source: source)
    with pytest.raises(AssertionError):
        test_the_student_gets_neither_solutions_nor_hidden_tests_nor_outputs(read)


# --- Damage ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "old, new, said",
    [
        (":name: double\n", "", "cell 3 .*expected `:name:` with letters"),
        (":name: double", ":name: dou ble", "expected `:name:` with letters, digits, - or _, got 'dou ble'"),
        (":points: 2\n", "", "cell 4 .*expected positive `:points:` for `double`, got None"),
        (":points: 2", ":points: -1", "got -1"),
        (":tags: [exercise-check]", ":tags: [setup]", "hidden tests in a cell without the tag"),
        (":tags: [exercise-solution]", ":tags: [setup]", "without the tag `exercise-solution`"),
        ('+++ {"tags": ["exercise"]}', "", "expected a cell tagged `exercise`, got `exercise-solution`"),
        (
            '+++ {"tags": ["exercise"]}',
            '+++ {"tags": ["exercise"',
            "Markdown cell 1 at line 3 could not be read",
        ),
        ("    ### END SOLUTION\n", "", "`BEGIN SOLUTION` without END"),
        ("    ### BEGIN SOLUTION\n", "", "`END SOLUTION` alone"),
        ("### BEGIN HIDDEN", "### BEGIN SOLUTION\n### BEGIN HIDDEN", "`BEGIN HIDDEN TESTS` inside SOLUTION"),
        ("### BEGIN SOLUTION", "## BEGIN SOLUTION", "expected a marker like `### BEGIN SOLUTION`"),
        ("### BEGIN SOLUTION", "// ### BEGIN SOLUTION", "expected the marker `### BEGIN SOLUTION`"),
        (
            "return secret * x\n    ### END SOLUTION\n```",
            "return secret * x\n",
            "line 19: a code cell begins inside the fence of line 9",
        ),
        ("### END HIDDEN TESTS\n```", "### END HIDDEN TESTS", "line 20: this fence is never closed"),
        (":tags: [exercise-check]", ":tags: [exercise-check", "01_toy.md: "),
    ],
)
def test_damage_is_one_clear_line_with_file_and_place(read, old, new, said):
    assert old in EXERCISE
    with pytest.raises(sources.SourceError, match=said) as error:
        read(EXERCISE.replace(old, new))
    assert str(error.value).startswith("01_toy.md") and "\n" not in str(error.value)


def test_an_exercise_without_check_and_a_repeated_name_are_named(read):
    cut = EXERCISE[: EXERCISE.index("```{code-cell} ipython3\n:tags: [exercise-check]")]
    with pytest.raises(
        sources.SourceError, match="expected a cell tagged `exercise-check` after it, got none"
    ):
        read(cut)
    with pytest.raises(sources.SourceError, match="cell 7 .*the name `double` is taken"):
        read(EXERCISE + EXERCISE)


def test_a_missing_file_and_one_that_is_not_text_are_named(read):
    with pytest.raises(sources.SourceError, match="99_none.md: no such chapter in notebooks/"):
        sources.read("99_none")
    sources.source_path("01_toy").write_bytes(b"\xff\xfe")
    with pytest.raises(sources.SourceError, match="01_toy.md: .*utf-8"):
        sources.read("01_toy")


# --- Numbers in prose and plain Markdown -----------------------------------------------------------------


@pytest.fixture
def words():
    labels = {"fig-loss": "Fig. 7.1", "eq-rule": "7.2"}
    bibliography = """
@book{minsky1969,
  author = {Minsky, Marvin and Papert, Seymour},
}
@article{three1986,
  author = {Rumelhart, David E. and Geoffrey Hinton and Williams, R.},
  year = {1986}
}"""
    authors = readable.authors(bibliography)
    return {"glue": {"acc": "0.97312", "name": "'iris'"}, "labels": labels, "authors": authors}


@pytest.mark.parametrize(
    "myst, plain",
    [
        ("{glue:text}`acc:.3f`", "0.973"),
        ("the {glue:text}`name` data", "the iris data"),
        ("See {numref}`fig-loss`.", "See Fig. 7.1."),
        ("{numref}`Figure %s <fig-loss>`", "Figure Fig. 7.1"),
        ("{cite}`goodfellow2016,rust`", "(Goodfellow 2016; rust)"),
        ("{cite:t}`goodfellow2016` says", "Goodfellow (2016) says"),
        ("{doc}`../book/notation`", "notation"),
        ("{doc}`the notation <../book/notation>`", "the notation"),
        ("{term}`margin`", "margin"),
        ("{cite}`minsky1969`, {cite:t}`three1986`", "(Minsky and Papert 1969), Rumelhart et al. (1986)"),
        ("{eq}`eq-update`", "(eq-update)"),
        ("By {eq}`eq-rule`:\n\n$$\nx\n$$ (eq-rule)", "By (7.2):\n\n$$\nx\n$$ (7.2)"),
        ("(sec-rule)=\n## The rule", "## The rule"),
        ("a `{cite}` role in code", "a `{cite}` role in code"),
        ("```{note}\nTake care: {term}`x`.\n```", "> **Note.**\n>\n> Take care: x."),
        (":::{admonition} Why\n:class: tip\nBecause.\n:::", "> **Why.**\n>\n> Because."),
        ("```{math}\n:label: eq-a\nx^2\n```", "$$\nx^2\n$$ (eq-a)"),
        ("```python\n{cite}`not`\n```", "```python\n{cite}`not`\n```"),
        ("```{bibliography}\n:filter: docname in docnames\n```\nend", "end"),
    ],
)
def test_myst_becomes_plain_markdown(words, myst, plain):
    assert readable.plain(myst, words) == plain


def test_a_number_that_no_cell_stores_is_an_error(words):
    with pytest.raises(ValueError, match="no cell stores a number called `loss`"):
        readable.plain("{glue:text}`loss:.2f`", words)


def test_captions_become_cells_that_the_text_can_refer_to(read):
    figure = (
        "# A\n\nSee {numref}`fig-a`.\n\n```{code-cell}\n---\nmystnb:\n"
        "  figure: {name: fig-a, caption: A falling curve.}\n---\nx\n```\n"
    )
    text, _light, _figure, caption = (cell.source for cell in sources.student(read(figure)).cells)
    assert text == "# A\n\nSee Fig. 1.1."
    assert caption == "*Fig. 1.1.* A falling curve."


@pytest.mark.parametrize("value, error", [([1], TypeError), (float("nan"), ValueError), (None, TypeError)])
def test_glue_takes_numbers_and_texts_only(value, error):
    with pytest.raises(error, match="glue\\('x'\\): expected"):
        glue.glue("x", value)


@pytest.mark.parametrize(
    "value, stored", [(0.1234567, "0.123457"), (12345678, "12345678"), ("a", "'a'"), (True, "True")]
)
def test_glue_stores_six_digits_under_the_name_and_shows_nothing(monkeypatch, value, stored):
    shown = []
    monkeypatch.setattr(glue, "display", lambda data, raw, metadata: shown.append((data, metadata)))
    glue.glue("x", value)
    ((data, metadata),) = shown
    assert data == {"application/papermill.record/text/plain": stored}
    assert metadata["scrapbook"]["name"] == "x"
