"""A class of more than sixty: everyone gets the points they deserve, no attack succeeds, no other is touched.

A dozen of them run in `make test`, all of them in `make test-slow`; the times are printed.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from dlcourse.course.grading import collecting, course, plan, record, sandbox
from dlcourse.course.grading.commands import grade, release
from tests.grading_class import SEED, SLUG, the_class, write

LIMITS = {"memory": 1024}


def available():
    try:
        sandbox.probe()
    except sandbox.NoSandbox:
        return False
    return shutil.which("rustc") is not None


pytestmark = pytest.mark.skipif(not available(), reason="missing tool: bubblewrap or rustc")


class Listener:
    """Somebody on the network, whom no student must reach."""

    def __init__(self):
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port, self.visits = self.socket.getsockname()[1], 0
        threading.Thread(target=self.listen, daemon=True).start()

    def listen(self):
        while True:
            try:
                self.socket.accept()
            except OSError:
                return
            self.visits += 1


@pytest.fixture
def listener():
    found = Listener()
    yield found
    found.socket.close()


def prepared(folder, listener, wanted):
    """A course with its release, and the submissions of the students that are wanted."""
    os.environ["SECRET"] = "SECRET-of-the-grader"
    release([SLUG], SEED, course=folder)
    students = [s for s in the_class(folder.resolve(), listener.port) if wanted(s)]
    write(students, folder / "submitted")
    return students


def status_of(folder, student):
    """{problem: status} as the grader has it; None where there is nothing to grade."""
    import json

    result = json.loads((folder / "results" / f"{student.name}.json").read_text())
    if SLUG not in result["assignments"]:
        assert result["notes"]
        return None
    return {row["name"]: row for row in result["assignments"][SLUG]["grades"]}


def expect(folder, students):
    """Every student's points, and the words for the typical mistakes."""
    known = plan.load(folder / "assignments" / f"{SLUG}.json").problems
    problems = [problem for problem in known if problem.kind != plan.WRITTEN]
    wrong = []
    for student in students:
        found = status_of(folder, student)
        if student.name in ("nothing", "attack-links", "attack-bomb-size"):
            wrong += [] if found is None else [f"{student.name}: was graded"]
            continue
        for problem in problems:
            row, wanted = found[problem.name], student.expected.get(problem.name, "right")
            allowed = {"any": ("wrong", "ungraded"), None: ("right", "wrong", "ungraded")}
            if row["status"] not in allowed.get(wanted, (wanted,)):
                said = f"{row['status']}, not {wanted}: {row['says']}"
                wrong.append(f"{student.name}: {problem.name} is {said}")
            points = {"right": problem.points, "wrong": 0.0, "ungraded": None}[row["status"]]
            if row["score"] != points:
                wrong.append(f"{student.name}: {problem.name} has {row['score']} points, not {points}")
        for name, mistake in student.diagnosis.items():
            if found[name]["mistake"] != mistake:
                wrong.append(f"{student.name}: {name} was taken for {found[name]['mistake']!r}")
    assert wrong == []


def graded(folder, students, listener):
    """Grade them all and print how long each took; then look at points and attacks."""
    times, whole = {}, course.Grader.grade

    def timed(self, submission):
        name, seconds = whole(self, submission)
        times[name] = seconds
        return name, seconds

    start = time.monotonic()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(course.Grader, "grade", timed)
        grade(folder / "submitted", course=folder, minutes=3, **LIMITS)
    total = time.monotonic() - start
    rows = [f"{seconds:7.1f} s  {name}" for name, seconds in sorted(times.items(), key=lambda item: item[1])]
    print("\n".join(rows), f"\n{len(rows)} submissions in {total:.0f} s, {total / len(rows):.1f} s each")
    expect(folder, students)
    assert listener.visits == 0
    assert len(times) == len(students)


def test_a_dozen_students_get_what_they_deserve(tmp_path, listener):
    students = prepared(tmp_path / "course", listener, lambda student: student.fast)
    assert len(students) >= 12
    graded(tmp_path / "course", students, listener)


@pytest.mark.slow
def test_the_whole_class_gets_what_it_deserves(tmp_path, listener):
    students = prepared(tmp_path / "course", listener, lambda student: True)
    assert len(students) >= 60
    graded(tmp_path / "course", students, listener)


def honest(student):
    return student.name in ("perfect", "stubs", "mistake-sum", "duplicated", "attack-exit", "nothing")


COMMAND = "from dlcourse.course.cli import main; import sys; sys.exit(main())"


@pytest.mark.slow
def test_grading_that_is_killed_goes_on_where_it_stopped(tmp_path, listener):
    """kill -9 at moments all over the run: the gradebook ends up as that of an undisturbed run."""
    prepared(tmp_path / "one", listener, honest)
    prepared(tmp_path / "two", listener, honest)
    grade(tmp_path / "one" / "submitted", course=tmp_path / "one", **LIMITS)
    command = [sys.executable, "-c", COMMAND, "grade", str(tmp_path / "two" / "submitted")]
    command += ["--course", str(tmp_path / "two")]
    kills, patience = 0, 1.0
    while True:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            process.wait(patience)
            break
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            kills, patience = kills + 1, patience + 1.7
    assert kills >= 3
    books = [record.dump(tmp_path / name / "gradebook.db") for name in ("one", "two")]
    assert books[0] == books[1] and len(books[0]) > 12
    tables = [(tmp_path / name / "grades.csv").read_text() for name in ("one", "two")]
    assert [line.rpartition(",")[0] for line in tables[0].splitlines()] == [
        line.rpartition(",")[0] for line in tables[1].splitlines()
    ]


def test_links_and_odd_names_are_never_followed(tmp_path):
    secret = tmp_path / "secret.ipynb"
    secret.write_text("{}")
    folder = tmp_path / "in"
    (folder / "ann").mkdir(parents=True)
    (folder / "ann" / "a.ipynb").symlink_to(secret)
    (folder / "bob.ipynb").symlink_to(secret)
    Path(os.fsdecode(os.fsencode(folder) + b"/\xff\n'.ipynb")).write_bytes(b"{}")
    found = collecting.collect(folder)
    assert [len(s.files) for s in found] == [0, 0, 1]
    assert all("link" in " ".join(s.notes) for s in found[:2])
    assert found[2].student.isprintable() and "/" not in found[2].student
    with pytest.raises(OSError):
        collecting.data_of(folder / "bob.ipynb")
