"""A person grades a written answer in nbgrader's formgrader, in a real browser (slow)."""

import os
import re
import signal
import subprocess
import sys

import pytest

pytest.importorskip("nbgrader", reason="the extra `grading`")
pytest.importorskip("websocket", reason="the browser is driven through websocket-client")

from dlcourse.course.grading import commands, record
from tests.test_grading import LEFT_OUT, SLUG, available, submissions, table
from tests.test_lab import Student, wait
from tools.browser import find

NEEDS = "needs chromium, bubblewrap and process groups"
READY = find() and available() and hasattr(os, "killpg")
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not READY, reason=NEEDS)]
ADDRESS = re.compile(r"http://(localhost|127\.0\.0\.1):\d+/")
ANSWER = "explain-one-line-written"
COMMENT = "Say which two of the four contradict."


@pytest.fixture
def graded(tmp_path):
    """An instructor's folder with two graded submissions, whose written answers wait for a person."""
    folder = tmp_path / "course"
    commands.release([SLUG], 3, course=folder, without=LEFT_OUT)
    submissions(folder)
    commands.grade(folder / "submitted", course=folder)
    return folder


@pytest.fixture
def lab(graded, tmp_path):
    """The address of JupyterLab as the guide says to start it, in the folder of the course."""
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--port=0", "--IdentityProvider.token="]
    command += ["--allow-root"] if os.geteuid() == 0 else []
    with open(tmp_path / "lab.log", "w") as log:
        options = {"env": os.environ | {"HOME": str(tmp_path)}, "stdout": log, "stderr": log}
        process = subprocess.Popen(command, cwd=graded, start_new_session=True, **options)
        try:
            yield wait(lambda: ADDRESS.search((tmp_path / "lab.log").read_text()))[0]
        finally:
            os.killpg(process.pid, signal.SIGTERM)
            process.wait(30)


class Grader(Student):
    """A browser with a hand on links and fields."""

    def follow(self, words):
        """Click the link with these words, and wait for the page behind it."""
        link = f"[...document.querySelectorAll('a')].find(a => a.innerText.trim() == {words!r})"
        wait(lambda: self.evaluate(f"!!{link}"))
        before = self.evaluate("location.href")
        self.click(link)
        wait(lambda: self.evaluate("location.href") != before)
        wait(lambda: self.evaluate("document.readyState") == "complete")

    def fill(self, field, text):
        """Type into a field and leave it; a page that still moves may need a second click."""

        def chosen():
            self.evaluate(f"{field}.scrollIntoView({{block: 'center'}})")
            self.click(field)
            return self.evaluate(f"document.activeElement === {field}")

        wait(chosen)
        self.send("Input.insertText", text=text)
        assert self.evaluate(f"{field}.value") == text
        self.evaluate(f"{field}.blur()")


def field(kind):
    return f"document.getElementById({ANSWER!r}).closest('.nbgrader_cell').querySelector('.{kind}')"


def grade_of(folder, student):
    rows = {(name, cell): rest for name, _, cell, *rest in record.dump(folder / "gradebook.db")}
    return rows[student, ANSWER]


def test_points_typed_in_formgrader_reach_the_table(graded, lab):
    """The answer holds a script: if it ran, its dialogue would stop the page."""
    assert grade_of(graded, "ann") == [None, None, 1] and table(graded)["ann"]["ungraded"] == "1"
    before = float(table(graded)["ann"]["score"])
    with Grader(timeout=60) as person:
        person.view("light", 1280)
        person.send("Page.navigate", url=f"{lab}formgrader/gradebook/{SLUG}/{SLUG}")
        person.follow("Submission #1")
        wait(lambda: person.evaluate("!!formgrader.grades?.loaded && !!formgrader.comments?.loaded"))
        assert person.evaluate("document.body.innerText.includes('Rubric')")
        assert person.evaluate("document.body.innerText.includes('inequalities < script>alert(1)')")
        person.fill(field("score"), "3")
        wait(lambda: grade_of(graded, "ann") == [None, 3.0, 0])
        person.fill(field("comment"), COMMENT)
        wait(lambda: person.evaluate("formgrader.comments.some(c => (c.get('manual_comment') || '') != '')"))
    commands.grade(graded / "submitted", course=graded)
    ann = table(graded)["ann"]
    assert (float(ann["score"]), ann["ungraded"], ann["because"]) == (before + 3, "0", "")
    assert table(graded)["bob"]["ungraded"] == "1"
    assert COMMENT in (graded / "feedback" / "ann" / f"{SLUG}.html").read_text("utf-8")
