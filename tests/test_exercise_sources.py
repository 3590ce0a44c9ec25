"""Every chapter: its assignment asks for work, and its student version gives nothing away."""

import copy
import shutil

import pytest

from dlcourse.course import kernel, sources
from tools import notebooks

CHAPTERS = sources.chapters()


def answers(notebook):
    """Lines of solutions and hidden tests that stand nowhere in what a student sees."""
    seen, secret = set(), set()
    for cell in notebook.cells:
        lines = {line.strip() for line in cell.source.splitlines()}
        part = sources.role(cell)
        shown = {sources.SOLUTION: sources.stub, sources.CHECK: sources.visible}.get(part, str)(cell.source)
        shown = {line.strip() for line in shown.splitlines()}
        seen |= shown
        secret |= lines - shown
    return {line for line in secret - seen if len(line) > 12}


def executed(notebook, folder):
    """Run a copy to the end, whatever fails, in a kernel of its own."""
    result = copy.deepcopy(notebook)
    resources = {"metadata": {"path": str(folder)}}
    client = kernel.client(result, timeout=120, allow_errors=True, resources=resources)
    client.extra_arguments = ["--log-level=40"]
    client.execute(env=notebooks.kernel_environment(folder))
    return result


def failed(cell):
    return any(output.output_type == "error" for output in cell.outputs)


def test_there_are_chapters():
    assert CHAPTERS and len(set(CHAPTERS)) == len(CHAPTERS)


@pytest.mark.parametrize("slug", CHAPTERS)
def test_ids_are_unique_and_valid(slug):
    ids = [cell.id for cell in sources.read(slug).cells]
    assert len(set(ids)) == len(ids) and max(map(len, ids)) <= 64


@pytest.mark.parametrize("slug", CHAPTERS)
def test_the_student_version_gives_nothing_away(slug):
    notebook = sources.stored(slug)
    secret = answers(notebook)
    student = sources.student(notebook)
    assert secret or not sources.exercises(notebook)
    for cell in student.cells:
        assert "BEGIN SOLUTION" not in cell.source and "HIDDEN TESTS" not in cell.source
        assert not cell.get("outputs")
        assert not secret & {line.strip() for line in cell.source.splitlines()}
        if cell.cell_type == "markdown":
            assert "{glue" not in cell.source and "{numref}" not in cell.source
    assert "widgets" not in student.metadata


@pytest.mark.parametrize("slug", CHAPTERS)
def test_an_untouched_assignment_fails_every_graded_cell(slug, tmp_path):
    source = sources.assignment(sources.read(slug))
    if not shutil.which("rustc") and any(sources.is_rust(cell.source) for cell in source.cells):
        pytest.skip("missing tool: rustc, from https://rustup.rs")
    run = executed(sources.released(source), tmp_path)
    passed = [cell.id for cell in run.cells if sources.role(cell) == sources.CHECK and not failed(cell)]
    assert passed == []
    assert [cell.id for cell in run.cells if "setup" in sources.tags(cell) and failed(cell)] == []


@pytest.mark.parametrize("slug", CHAPTERS)
def test_the_solved_assignment_passes_every_graded_cell(slug, tmp_path):
    source = sources.assignment(sources.read(slug))
    if not shutil.which("rustc") and any(sources.is_rust(cell.source) for cell in source.cells):
        pytest.skip("missing tool: rustc, from https://rustup.rs")
    run = executed(source, tmp_path)
    assert [cell.id for cell in run.cells if cell.cell_type == "code" and failed(cell)] == []
