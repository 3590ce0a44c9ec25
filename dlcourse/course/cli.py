"""The command line: for learners from `dlcourse start` to `reset`, for instructors `release` and `grade`."""

import argparse
import os
import subprocess
import sys
from pathlib import Path

import nbformat

from dlcourse.course import atomic, doctor, exercises, progress, reset, sources
from dlcourse.course.workspace import check_notebook

WORK = "work"
# No news from elsewhere, no question about it, and none of the buttons that belong to instructors.
LAB_SETTINGS = Path(__file__).parent / "assets" / "lab"


def chapter_slugs(word):
    """The chapters meant by a number or a slug ("7", "07", "07_perceptron_xor"), all for None; or exit."""
    known = sources.chapters()
    found = [slug for slug in known if word in (None, slug) or word.zfill(2) == slug.partition("_")[0]]
    if not found:
        raise ValueError(f"expected one of the chapters {', '.join(known)}, got {word!r}")
    return found


def of_chapter(slug):
    return [e for e in exercises.entries(slug) if isinstance(e, exercises.Exercise)]


def status(options):
    """Print for each chapter which exercises are solved (✓), tried (·), untouched (○), and the next one."""
    done, solved, total = progress.load(), 0, 0
    for slug in chapter_slugs(options.chapter):
        known = of_chapter(slug)
        rows = [done.get(e.name, {"tries": 0, "solved": False}) for e in known]
        marks = "".join("✓" if row["solved"] else "·" if row["tries"] else "○" for row in rows)
        count = sum(row["solved"] for row in rows)
        open_ones = [e.name for e, row in zip(known, rows) if not row["solved"]]
        following = f"next: {open_ones[0]}" if open_ones else "complete"
        print(f"{slug:28} {count:2}/{len(known):<2} {marks}  {following}")
        solved, total = solved + count, total + len(known)
    print(f"\n{solved} of {total} exercises solved (✓ solved, · tried, ○ not yet). Kept in {progress.path()}")


def next_exercise(options):
    """Print the first exercise that is not solved, what it asks for, and where it stands."""
    done = progress.load()
    for slug in chapter_slugs(options.chapter):
        for source in sources.exercises(sources.read(slug)):
            if not done.get(source.name, {}).get("solved"):
                exercises.about(source.name)
                print(f"{title(source)}, in {slug}.ipynb")
                print(f"Check it with `dlcourse check {source.name}`; a hint: `dlcourse hint {source.name}`.")
                return
    print("All solved.")


def title(source):
    return source.text.splitlines()[0].lstrip("# ").strip()


def start(options):
    """Write the student notebooks; one that exists stays as it is. 1 where a chapter cannot be had."""
    folder, status = Path(options.folder), 0
    folder.mkdir(parents=True, exist_ok=True)
    for slug in chapter_slugs(options.chapter):
        target = folder / f"{slug}.ipynb"
        if target.exists():
            print(f"{target}: exists, left as it is")
            continue
        try:
            notebook = sources.student(sources.stored(slug))
        except sources.SourceError as error:  # the other chapters do not need this one
            print(f"dlcourse: {error}", file=sys.stderr)
            status = 1
            continue
        atomic.write(target, nbformat.writes(notebook) + "\n")
        print(f"{target}: written")
    return status


def lab(options):
    """Make the student notebooks and open JupyterLab on their folder."""
    start(argparse.Namespace(chapter=None, folder=options.folder))
    paths = [LAB_SETTINGS, os.environ.get("JUPYTER_CONFIG_PATH", "")]
    environment = os.environ | {"JUPYTER_CONFIG_PATH": os.pathsep.join(map(str, filter(None, paths)))}
    command = [sys.executable, "-m", "jupyterlab", f"--notebook-dir={options.folder}"]
    return subprocess.call([*command, *options.arguments], env=environment)


def slug_of(name):
    """The chapter of an exercise, None where there is no exercise of that name."""
    if name not in [e.name for e in exercises.entries() if isinstance(e, exercises.Exercise)]:
        return None
    module = exercises.chapter_of(name)
    return next(slug for slug in sources.chapters() if slug.partition("_")[2] == module)


def check(options):
    """Check one exercise, or all of a chapter, in the student's own notebook; 1 where one is not right."""
    slug = slug_of(options.what)
    slugs, wanted = ([slug], [options.what]) if slug else (chapter_slugs(options.what), None)
    right = [check_notebook(Path(options.folder) / f"{slug}.ipynb", wanted) for slug in slugs]
    return 0 if all(right) else 1


def hint(options):
    exercises.about(options.exercise)
    exercises.hint(options.exercise)


def solution(options):
    """Print the author's solution, once the exercise is solved or on request."""
    name = options.exercise
    exercises.entry(name, exercises.Exercise)
    if not (options.anyway or progress.solved(name)):
        print(f"{name} is not solved yet. A hint: `dlcourse hint {name}`; to see the solution: --anyway")
        return 1
    known = {source.name: source for source in sources.exercises(sources.read(slug_of(name)))}
    print(sources.solved(known[name].solution))
    return 0


def reset_cells(options):
    """Give an exercise or a chapter its stubs back; what was there is kept in a backup."""
    slug = slug_of(options.what) or chapter_slugs(options.what)[0]
    path = Path(options.folder) / f"{slug}.ipynb"
    if not path.exists():
        raise ValueError(f"expected your notebook {path}: `dlcourse start` writes it")
    if slug_of(options.what):
        copy = reset.reset_exercise(path, slug, options.what)
    else:
        copy = reset.reset_chapter(path, slug)
    print(f"{options.what}: as at the start, in {path}. What you had is in {copy}.")
    print("If the notebook is open: reload it from disk before you go on.")


def release(options):
    from dlcourse.course.grading import commands

    words = {"points": options.points, "without": options.without, "due": options.due, "force": options.force}
    commands.release(chapter_slugs(options.chapter), options.seed, course=options.course, **words)


def grade(options):
    from dlcourse.course.grading import commands

    words = {"jobs": options.jobs, "minutes": options.minutes, "memory": options.memory}
    return commands.grade(options.submissions, course=options.course, unsafe=options.unsafe, **words)


def exam(options):
    from dlcourse.course.grading import exam as written_exam

    print(*written_exam.write(Path(options.course)), sep="\n")


def instructors(add):
    """The commands that hand out and grade."""
    course = {"default": "course", "help": "your private folder (default: course)"}
    task = add(release, "release", "write a chapter's assignment: the notebook to hand out, and your key")
    task.add_argument("chapter", help="number or slug")
    task.add_argument("--seed", type=int, required=True, help="your number: other data and problems for each")
    task.add_argument("--course", **course)
    task.add_argument("--points", action="append", metavar="NAME=N", help="instead of the chapter's points")
    task.add_argument("--without", action="append", default=[], metavar="NAME", help="leave a problem out")
    task.add_argument("--due", default="", help="a date, or a date and a time: 2026-11-03T23:59")
    task.add_argument("--force", action="store_true", help="also where it was released already")
    add(exam, "exam", "write an exam of twelve questions, and its key").add_argument("--course", **course)
    task = add(grade, "grade", "grade submissions in a sandbox; what was graded before is kept")
    task.add_argument("submissions", help="folder with a folder or a notebook per student")
    task.add_argument("--course", **course)
    task.add_argument("--jobs", type=int, default=1, help="submissions at a time (default: 1)")
    task.add_argument("--minutes", type=float, default=10, help="for one submission (default: 10)")
    task.add_argument("--memory", type=int, default=1024, help="MB for one submission (default: 1024)")
    task.add_argument("--unsafe", action="store_true", help="without a sandbox: it may do all that you may")


def parser():
    top = argparse.ArgumentParser(prog="dlcourse", description="Deep learning with Rust, taught from Python.")
    tasks = top.add_subparsers(required=True, metavar="COMMAND")

    def add(function, name, text):
        task = tasks.add_parser(name, help=text, description=text)
        task.set_defaults(run=function)
        return task

    chapter = {"nargs": "?", "help": "number or slug; default: all"}
    folder = {"default": WORK, "help": f"where your notebooks are (default: {WORK})"}
    task = add(start, "start", "write your notebooks; existing ones stay as they are")
    task.add_argument("chapter", **chapter)
    task.add_argument("--folder", **folder)
    task = add(lab, "lab", "write your notebooks and open JupyterLab")
    task.add_argument("--folder", **folder)
    task.add_argument("arguments", nargs="*", help="for JupyterLab, after --")
    add(status, "status", "show which exercises are solved").add_argument("chapter", **chapter)
    task = add(next_exercise, "next", "show the next exercise that is not solved")
    task.add_argument("chapter", **chapter)
    task = add(check, "check", "check an exercise, or a chapter, in your notebook")
    task.add_argument("what", help="name of an exercise, number or slug of a chapter")
    task.add_argument("--folder", **folder)
    add(hint, "hint", "show the next hint").add_argument("exercise")
    task = add(solution, "solution", "show the solution of an exercise that is solved")
    task.add_argument("exercise")
    task.add_argument("--anyway", action="store_true", help="also where it is not solved")
    task = add(reset_cells, "reset", "give an exercise or a chapter its stubs back, with a backup")
    task.add_argument("what", help="name of an exercise, number or slug of a chapter")
    task.add_argument("--folder", **folder)
    instructors(add)
    add(lambda _: doctor.report(), "doctor", "say what is installed and what to do next")
    return top


def main(arguments=None):
    """Run one command and return its exit status; what went wrong is one line on stderr."""
    options = parser().parse_args(arguments)
    try:
        return options.run(options) or 0
    except (ValueError, OSError) as error:
        print(f"dlcourse: {error}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
