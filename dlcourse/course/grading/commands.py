"""`dlcourse release` and `dlcourse grade`, as the command line calls them."""

import datetime
from pathlib import Path

import nbformat
from filelock import FileLock, Timeout

from dlcourse.course import atomic
from dlcourse.course.grading import plan as plans
from dlcourse.course.grading import release as releases
from dlcourse.course.grading.course import Folder, Grader
from dlcourse.course.grading.sandbox import Limits, NoSandbox


def points_of(words):
    """{"softmax": 3.0} of ["softmax=3"]."""
    pairs = [word.partition("=") for word in words or ()]
    try:
        return {name: float(value) for name, _, value in pairs}
    except ValueError:
        raise ValueError(f"expected points as NAME=NUMBER, got {' '.join(words)}") from None


def due_of(text):
    """A date, or a date and a time, as ISO text; ValueError for anything else."""
    try:
        return datetime.datetime.fromisoformat(text).isoformat(" ", "minutes") if text else ""
    except ValueError:
        raise ValueError(f"expected a date like 2026-11-03 or 2026-11-03T23:59, got {text!r}") from None


def release(slugs, seed, *, course, points=(), without=(), due="", force=False):
    """Write the notebooks to hand out, and the private plans; an existing release stays unless forced."""
    folder = Folder(Path(course))
    for slug in slugs:
        if folder.plan(slug).exists() and not force:
            raise ValueError(f"{slug} was released already ({folder.plan(slug)}); --force does it again")
        wanted = {"points": points_of(points), "without": tuple(without), "due": due_of(due)}
        plan = plans.make(slug, seed, **wanted)
        text = nbformat.writes(releases.notebook(plan)) + "\n"
        path = folder.released(slug)
        path.parent.mkdir(parents=True, exist_ok=True)
        plans.save(plan, folder.plan(slug))
        atomic.write(path, text)
        print(f"{path}: {len(plan.problems)} problems, {plan.points:g} points. Hand out this file alone.")


def grade(submissions, *, course, jobs=1, minutes=10, memory=1024, unsafe=False):
    """Grade what is new, then write gradebook, feedback and tables; 1 where something is left ungraded."""
    from tqdm import tqdm

    from dlcourse.course.grading import collecting, feedback, record, report
    from dlcourse.course.grading.course import results as kept

    folder = Folder(Path(course))
    if not folder.path.is_dir():
        raise ValueError(f"{folder.path}: no such folder; `dlcourse release` makes it")
    try:
        with FileLock(folder.path / ".lock", timeout=0):
            limits = Limits(memory=memory * 2**20)
            grader = Grader(folder, limits=limits, minutes=minutes, unsafe=unsafe, jobs=jobs)
            found = collecting.collect(submissions)
            waiting = sum(grader.stored(submission) is None for submission in found)
            with tqdm(total=waiting, unit="submission", disable=not waiting) as bar:
                graded = grader.grade_all(found, progress=lambda done: bar.update())
            results = kept(folder, [submission.student for submission in found])
            record.sync(folder, grader.assignments, results)
            scores = record.scores(folder, grader.assignments, results)
            for result in results:
                for slug in result["assignments"]:
                    assignment = grader.assignments[slug]
                    feedback.write(folder, assignment, result, scores[result["student"], slug])
            report.write(folder, grader.assignments, results, scores)
    except Timeout:
        raise ValueError(f"{folder.path}: another `dlcourse grade` is at work there") from None
    except NoSandbox as error:
        way = "or, where you trust every student, --unsafe"
        raise ValueError(f"nothing was graded, since there is no sandbox: {error}; {way}") from None
    return _summary(folder, found, graded, results)


def _summary(folder, found, graded, results):
    rows = [row for r in results for a in r["assignments"].values() for row in a["grades"]]
    ungraded = sum(row["status"] == "ungraded" for row in rows)
    empty = [result["student"] for result in results if not result["assignments"]]
    print(f"{len(found)} submissions, {len(graded)} graded now. Tables: {folder.path / 'grades.csv'},")
    print(f"{folder.path / 'report.html'}; for students: {folder.path / 'feedback'}")
    if by_hand := sum(row["status"] == "by hand" for row in rows):
        print(f"{by_hand} written answers wait for a person: `jupyter lab` in {folder.path}, then Formgrader")
    if ungraded or empty:
        print(f"Ungraded: {ungraded} problems, {len(empty)} submissions. The report says why.")
    return 1 if ungraded or empty else 0
