"""The learner's command line: `dlcourse start`, `lab`, `status`, `check`, `hint`, `doctor`."""

import argparse
import subprocess
import sys
from pathlib import Path

import nbformat

from dlcourse.course import doctor, exercises, progress, sources
from dlcourse.course.workspace import check_notebook

WORK = "work"


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


def start(options):
    """Write the student notebooks; one that exists stays as it is."""
    folder = Path(options.folder)
    folder.mkdir(parents=True, exist_ok=True)
    for slug in chapter_slugs(options.chapter):
        target = folder / f"{slug}.ipynb"
        if target.exists():
            print(f"{target}: exists, left as it is")
            continue
        new = target.with_name(f".{target.name}.new")
        new.write_text(nbformat.writes(sources.student(sources.stored(slug))) + "\n", encoding="utf-8")
        new.rename(target)
        print(f"{target}: written")


def lab(options):
    """Make the student notebooks and open JupyterLab on their folder."""
    start(argparse.Namespace(chapter=None, folder=options.folder))
    command = [sys.executable, "-m", "jupyterlab", f"--notebook-dir={options.folder}"]
    return subprocess.call([*command, *options.arguments])


def check(options):
    """Check one exercise, or all of a chapter, in the student's own notebook; 1 where one is not right."""
    names = [e.name for e in exercises.entries() if isinstance(e, exercises.Exercise)]
    if options.what in names:
        module = exercises.chapter_of(options.what)
        slugs = [slug for slug in sources.chapters() if slug.partition("_")[2] == module]
        wanted = [options.what]
    else:
        slugs, wanted = chapter_slugs(options.what), None
    right = [check_notebook(Path(options.folder) / f"{slug}.ipynb", wanted) for slug in slugs]
    return 0 if all(right) else 1


def hint(options):
    exercises.about(options.exercise)
    exercises.hint(options.exercise)


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
    task = add(check, "check", "check an exercise, or a chapter, in your notebook")
    task.add_argument("what", help="name of an exercise, number or slug of a chapter")
    task.add_argument("--folder", **folder)
    add(hint, "hint", "show the next hint").add_argument("exercise")
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
