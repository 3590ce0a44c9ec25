"""A whole class: which submissions are new, several of them at work at once, each result kept at once.

Killed at any moment, the next call goes on where this one stopped: a result is a file that exists whole
or not at all, and gradebook, feedback and tables are made from these files again every time.
"""

import json
import queue
import time
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path

import nbformat

from dlcourse.course import atomic, sources
from dlcourse.course.grading import plan as plans
from dlcourse.course.grading import release, running, sheet, verdicts
from dlcourse.course.grading.collecting import chapter_of, data_of, shown
from dlcourse.course.grading.sandbox import PACKAGE, Limits, probe


@dataclass(frozen=True)
class Folder:
    """An instructor's folder: what is handed out (release/), and what stays here (all the rest)."""

    path: Path

    def released(self, slug):
        return self.path / "release" / slug / f"{slug}.ipynb"

    def plan(self, slug):
        return self.path / "assignments" / f"{slug}.json"

    def result(self, student):
        return self.path / "results" / f"{student}.json"

    def plans(self):
        """{slug: Plan} of all chapters that were released, in the book's order."""
        known = {file.stem: plans.load(file) for file in sorted((self.path / "assignments").glob("*.json"))}
        order = {slug: number for number, slug in enumerate(sources.chapters())}
        return dict(sorted(known.items(), key=lambda item: order.get(item[0], len(order))))


class Assignment:
    """One released chapter, with what is needed to grade it; keys are computed when first needed."""

    def __init__(self, plan, path):
        self.plan = plan
        try:
            self.notebook = nbformat.read(path, as_version=4)
        except (OSError, ValueError) as error:
            raise ValueError(f"{path}: expected the notebook that was released ({error})") from None
        self.stubs, self.setup = release.stubs(self.notebook)

    @cached_property
    def tests(self):
        return plans.tests(self.plan)


def code_digest(slugs):
    """Changes with the grader, and with the checks of these chapters."""
    files = [*PACKAGE.glob("course/grading/**/*.py"), *PACKAGE.glob("course/exercises/_*.py")]
    files += [PACKAGE / "course" / "exercises" / f"{slug.partition('_')[2]}.py" for slug in slugs]
    total = sha256()
    for file in sorted(files):
        total.update(file.read_bytes())
    return total.hexdigest()


class Grader:
    """Grades submissions of the released chapters."""

    def __init__(self, folder, *, limits=None, minutes=10, unsafe=False, jobs=1):
        self.folder, self.limits, self.seconds, self.unsafe = folder, limits or Limits(), 60 * minutes, unsafe
        self.assignments = {s: Assignment(plan, folder.released(s)) for s, plan in folder.plans().items()}
        self.jobs = jobs
        if not self.assignments:
            raise ValueError(f"{folder.path}: nothing was released yet: `dlcourse release CHAPTER --seed S`")
        if not unsafe:
            probe(self.limits)
        plan_digests = [assignment.plan.digest for assignment in self.assignments.values()]
        self.digest = sha256("".join([code_digest(self.assignments), *plan_digests]).encode()).hexdigest()
        self.slots = queue.SimpleQueue()
        for slot in range(jobs):
            self.slots.put(slot)

    def key(self, submission):
        return sha256(f"{submission.digest()} {self.digest}".encode()).hexdigest()

    def stored(self, submission):
        """The result of an earlier call, if it is about the same bytes and the same checks; else None."""
        try:
            result = json.loads(self.folder.result(submission.student).read_text("utf-8"))
            return result if result["key"] == self.key(submission) else None
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def grade_all(self, submissions, progress=lambda done: None):
        """Bring the results up to date; the students whose submission was graded now."""
        waiting = [s for s in submissions if self.stored(s) is None]
        for assignment in self.assignments.values() if waiting else ():
            _ = assignment.tests  # once, before there are several threads
        with ThreadPoolExecutor(self.jobs) as pool:
            for done in as_completed([pool.submit(self.grade, submission) for submission in waiting]):
                progress(done.result())
        return [submission.student for submission in waiting]

    def grade(self, submission):
        """Grade one submission and keep the result; one that makes the grader stumble stops no other."""
        slot, start = self.slots.get(), time.monotonic()
        try:
            found = self._graded(submission, {"slot": slot, "limits": self.limits, "unsafe": self.unsafe})
        except Exception as error:  # foreign files: whatever happens here must end with this submission
            found = {"assignments": {}, "notes": [stumbled(error)]}
        finally:
            self.slots.put(slot)
        result = {"student": submission.student, "key": self.key(submission), **found}
        path = self.folder.result(submission.student)
        path.parent.mkdir(parents=True, exist_ok=True)
        atomic.write(path, json.dumps(result, indent=1))
        return submission.student, time.monotonic() - start

    def _graded(self, submission, options):
        notes, best = list(submission.notes), {}
        for file in submission.files:
            read = running.read(data_of(file), **options)
            slug = chapter_of(file, str(read.get("chapter", "")), self.assignments)
            if slug is None:
                notes.append(f"{shown(file.name)} belongs to no released chapter")
                continue
            candidate = self._sorted(read, slug), file
            if slug in best:
                notes.append(f"several notebooks for {slug}: the one with the most answers was graded")
                candidate = max(best[slug], candidate, key=lambda item: self._answers(*item, slug))
            best[slug] = candidate
        if not submission.files and not notes:
            notes.append("no notebook was handed in")
        graded = {slug: self._grade(*found, slug, options) for slug, found in best.items()}
        return {"assignments": graded, "notes": notes}

    def _sorted(self, read, slug):
        assignment = self.assignments[slug]
        if "cells" not in read:
            return str(read.get("reason", "its file cannot be read"))
        found = sheet.sheet(read["cells"], assignment.plan, assignment.stubs, assignment.setup)
        found.notes[:0] = [str(note)[:200] for note in read["notes"]]
        return found

    def _answers(self, found, file, slug):
        """How much of an answer a notebook is: cells that say something of their own, then its age."""
        if isinstance(found, str):
            return -1, 0
        stubs = self.assignments[slug].stubs
        said = {name: [cell for cell in cells if cell.strip()] for name, cells in found.answers.items()}
        changed = sum(bool(cells) and cells != [stubs[name]] for name, cells in said.items())
        return changed, file.stat().st_mtime

    def _grade(self, found, file, slug, options):
        assignment = self.assignments[slug]
        problems = assignment.plan.problems
        handed_in = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(file.stat().st_mtime))
        if isinstance(found, str):
            grades = [verdicts.Grade(p.name, verdicts.UNGRADED, None, found) for p in problems]
            words = {"answers": {}, "notes": []}
        else:
            options = options | {"seconds": self.seconds}
            outcomes = running.run(assignment.setup, found.steps, assignment.tests, **options)
            grades = [self._verdict(assignment, p, outcomes.get(p.name), found.missing) for p in problems]
            words = {"answers": found.answers, "notes": found.notes}
        return {"grades": [grade.asdict() for grade in grades], "handed_in": handed_in, **words}

    def _verdict(self, assignment, problem, answer, missing):
        try:
            test = assignment.tests.get(problem.name)
            return verdicts.grade(problem, test, answer, problem.name in missing)
        except Exception as error:  # a value that the judge was not made for
            return verdicts.Grade(problem.name, verdicts.UNGRADED, None, stumbled(error))


def stumbled(error):
    return f"the grader failed: {type(error).__name__}: {error}"[:300]


def results(folder, students):
    """The kept results of these students, in their order."""
    return [json.loads(folder.result(student).read_text("utf-8")) for student in students]
