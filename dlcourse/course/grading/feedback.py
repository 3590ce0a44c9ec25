"""What a student gets back: points, the diagnosis of each answer, a grader's comments, and their own code."""

from dlcourse.course import atomic
from dlcourse.course.grading.page import escape, page, points, table
from dlcourse.course.grading.plan import WRITTEN

CLASSES = {"right": "right", "wrong": "wrong"}


def words_for(problem, row, waits, comment):
    """What is said about one problem, as HTML."""
    if problem.kind == WRITTEN:
        said = "waits to be graded" if waits else "graded"
    elif row["status"] == "right":
        said = "✓ right"
    elif row["status"] == "ungraded":
        said = f"ungraded, because {row['says']}" if waits else "graded by a person"
    else:
        said = f"✗ {row['says']}"
    kind = CLASSES.get(row["status"], "open")
    text = f'<span class="{kind}">{escape(said)}</span>'
    if problem.kind == WRITTEN and not waits:
        text += "".join(f"<br>{p:g}: {escape(w)}" for p, w in problem.rubric)
    return text + (f"<br><em>{escape(comment)}</em>" if comment else "")


def write(folder, assignment, result, scores):
    """feedback/STUDENT/CHAPTER.html"""
    plan, graded = assignment.plan, result["assignments"][assignment.plan.chapter]
    rows, code = [], []
    grades = {row["name"]: row for row in graded["grades"]}
    for problem in plan.problems:
        score, waits, comment = scores[problem.name]
        said = words_for(problem, grades[problem.name], waits, comment)
        rows.append([escape(problem.title), f"{points(score)} / {points(problem.points)}", said])
        if answer := "\n\n".join(graded["answers"].get(problem.name, [])):
            summary = f"<summary>{escape(problem.title)}</summary>"
            code.append(f"<details>{summary}<pre>{escape(answer[:20_000])}</pre></details>")
    known = [score for score, _, _ in scores.values() if score is not None]
    still = len(scores) - len(known)
    total = f"<p><strong>{points(sum(known))} of {points(plan.points)} points</strong>"
    total += f"; {still} not graded yet</p>" if still else "</p>"
    notes = "".join(f"<li>{escape(note)}</li>" for note in [*result["notes"], *graded["notes"]])
    notes = f"<ul>{notes}</ul>" if notes else ""
    body = total + notes + table(["Problem", "Points", "What was found"], rows, {1})
    path = folder.path / "feedback" / result["student"] / f"{plan.chapter}.html"
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(path, page(plan.chapter, body + "<h2>What you wrote</h2>" + "".join(code)))
