"""For the instructor: grades.csv, and a page that says how the class did and where it went wrong."""

import csv
import io
from collections import Counter

from dlcourse.course import atomic
from dlcourse.course.grading.page import escape, page, points, table

COLUMNS = ["student", "assignment", "score", "max_score", "percent", "problems", "ungraded", "because"]
COLUMNS += ["handed_in"]


def harmless(text):
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if str(text).startswith(("=", "+", "-", "@", "\t", "\r")) else text


def open_problems(assignment, result, scores):
    """{problem: why} of all that has no points yet."""
    rows = {row["name"]: row for row in result["assignments"][assignment.plan.chapter]["grades"]}
    return {name: rows[name]["says"] for name, (score, _, _) in scores.items() if score is None}


def grades(folder, assignments, results, scores):
    """grades.csv: a row per student and assignment; an empty score where nothing could be graded at all."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for result in results:
        if not result["assignments"]:
            because = "; ".join(result["notes"]) or "nothing was handed in"
            writer.writerow([harmless(result["student"]), "", "", "", "", "", "", harmless(because), ""])
        for slug, graded in result["assignments"].items():
            rows, plan = scores[result["student"], slug], assignments[slug].plan
            waiting = open_problems(assignments[slug], result, rows)
            known = [score for score, _, _ in rows.values() if score is not None]
            total = f"{sum(known):g}" if known else ""
            percent = f"{100 * sum(known) / plan.points:.1f}" if known else ""
            because = "; ".join(f"{name}: {why}" for name, why in waiting.items())
            row = [harmless(result["student"]), slug, total, f"{plan.points:g}", percent]
            row += [len(rows), len(waiting), harmless(because), graded["handed_in"]]
            writer.writerow(row)
    atomic.write(folder.path / "grades.csv", out.getvalue())


def bars(rows):
    """A bar per problem: the share that is right (dark) and the share that is ungraded (light), as SVG."""
    height = 24 * len(rows) + 10
    parts = [f'<svg viewBox="0 0 760 {height}" width="100%" role="img" aria-label="Share of right answers">']
    for i, (title, right, ungraded, count) in enumerate(rows):
        y, width, light = 24 * i + 5, 400 * right / max(count, 1), 400 * ungraded / max(count, 1)
        parts.append(f'<text x="250" y="{y + 13}" text-anchor="end">{escape(title[:36])}</text>')
        parts.append(f'<rect x="260" y="{y}" width="400" height="17" fill="none" stroke="#888"/>')
        parts.append(f'<rect x="260" y="{y}" width="{width:.1f}" height="17" fill="#3b6fb5"/>')
        parts.append(f'<rect x="{260 + width:.1f}" y="{y}" width="{light:.1f}" height="17" fill="#d9a441"/>')
        parts.append(f'<text x="670" y="{y + 13}">{right} of {count}</text>')
    return "".join(parts) + "</svg>"


def section(assignment, results, scores):
    """The page's part about one chapter."""
    plan, table_rows, bar_rows = assignment.plan, [], []
    handed_in = [r for r in results if plan.chapter in r["assignments"]]
    for problem in plan.problems:
        rows = [row for r in handed_in for row in r["assignments"][plan.chapter]["grades"]]
        rows = [row for row in rows if row["name"] == problem.name]
        right = sum(row["status"] == "right" for row in rows)
        ungraded = sum(row["status"] in ("ungraded", "by hand") for row in rows)
        said = Counter(row["says"] for row in rows if row["status"] in ("wrong", "ungraded"))
        most = "<br>".join(f"{count}× {escape(words)}" for words, count in said.most_common(3))
        share = f"{100 * right / max(len(rows), 1):.0f} %"
        table_rows.append([escape(problem.title), points(problem.points), share, str(ungraded), most])
        bar_rows.append((problem.name, right, ungraded, len(rows)))
    totals = [sum(s for s, _, _ in scores[r["student"], plan.chapter].values() if s) for r in handed_in]
    mean = f"; {sum(totals) / len(totals):.1f} of {plan.points:g} points on average" if totals else ""
    heads = ["Problem", "Points", "Right", "Ungraded", "What was said most often"]
    head = f"<h2>{escape(plan.chapter)}</h2><p>{len(handed_in)} submissions{mean}.</p>"
    return head + bars(bar_rows) + table(heads, table_rows, {1, 2, 3})


def ungraded(results):
    """The list of all that was not graded, and why."""
    rows = []
    for result in results:
        rows += [[escape(result["student"]), "", escape(note)] for note in result["notes"]]
        for slug, graded in result["assignments"].items():
            for row in graded["grades"]:
                if row["status"] == "ungraded":
                    words = (result["student"], f"{slug}: {row['name']}", row["says"])
                    rows.append([escape(word) for word in words])
    return "<h2>Not graded, because …</h2>" + table(["Student", "Problem", "Reason"], rows) if rows else ""


def write(folder, assignments, results, scores):
    """grades.csv and report.html"""
    grades(folder, assignments, results, scores)
    parts = [section(assignment, results, scores) for assignment in assignments.values()]
    atomic.write(folder.path / "report.html", page("How the class did", "\n".join(parts) + ungraded(results)))
