"""`make test`: the checks, all tests but slow ones, the notebooks with their outputs (CH=07: one chapter).

Tests and notebooks run side by side where there are two cores. `--slow` (make test-slow) runs the tests
marked slow instead and leaves build/test-slow-DATE.xml; with names of tests and notebooks only these run.
Ends with pytest's summary and the worse exit status; to collect nothing is a failure too.
"""

import argparse
import datetime
import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from dlcourse.course import rust, sources
from tools import notebooks
from tools.environment import ROOT

# What tests use besides Python: the programs that will do, and the Debian package that has the first.
PROGRAMS = {
    "chromium": ("chromium", "chromium-browser", "google-chrome"),
    "bubblewrap": ("bwrap",),
}
NBVAL = ["--nbval", "--nbval-current-env", "--nbval-sanitize-with", "tests/nbval_sanitize.cfg"]
NBVAL += ["--nbval-cell-timeout", "300"]


def missing_programs():
    return [package for package, names in PROGRAMS.items() if not any(map(shutil.which, names))]


def provide_programs():
    """On CI, as root, install missing programs by apt-get; else say in one line how to get them."""
    missing = missing_programs()
    if not missing:
        return
    may = os.environ.get("CI") == "true" and hasattr(os, "geteuid") and os.geteuid() == 0
    if may and shutil.which("apt-get"):
        for command in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *missing]):
            subprocess.run(["apt-get", *command], env=os.environ | {"DEBIAN_FRONTEND": "noninteractive"})
        missing = missing_programs()
    if missing:
        names = " and ".join(missing)
        print(f"{names} missing: what needs it is skipped; `apt-get install {' '.join(missing)}` brings it")


def members_in(slugs):
    """The members of rust/ whose crates the chapters' cells use, in order of appearance."""
    cells = (cell.source for slug in slugs for cell in sources.read(slug).cells)
    found = (
        re.search(r"--crates[ =](\S+)", source.split("\n")[0]) for source in cells if sources.is_rust(source)
    )
    return list(dict.fromkeys(match[1] for match in found if match))


def provide_crates(slugs):
    """Build the crates before the notebooks run: nbval would keep the progress of a first build as output."""
    for member in members_in(slugs):
        try:
            rust.prepare(member, progress=lambda line: print(f"\r{line:100.100}", end="", flush=True))
        except rust.RustMissing:
            return  # pytest says which cells are skipped
        except rust.CratesError as error:
            print(error)


def arguments(slow, chapters, named=()):
    """{name of a run: pytest's arguments}; `named` are tests and notebooks."""
    if named:
        return {"chosen": ["-v", *NBVAL, *named]}
    if slow:
        day = datetime.date.today().isoformat()
        return {"slow": ["-v", "-m", "slow", f"--junitxml=build/test-slow-{day}.xml", "tests"]}
    chosen = ["-v", "-m", "not slow"]
    if not chapters:
        return {"tests": [*chosen, "tests"], "notebooks": [*chosen, *NBVAL, "notebooks"]}
    topics = [slug.partition("_")[2] for slug in chapters]  # also in the names of tests: test_perceptron_xor
    paths = [f"notebooks/{slug}.ipynb" for slug in chapters]
    return {"chapters": [*chosen, *NBVAL, "-k", " or ".join(topics), "tests", *paths]}


def chapters_in(names):
    """The slugs of the notebooks that are named: notebooks/07_perceptron_xor.ipynb::Cell 3, or the folder."""
    stems = {Path(name.partition("::")[0]).stem for name in names}
    return [slug for slug in sources.chapters() if stems & {slug, "notebooks"}]


def cores():
    """How many cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def side_by_side(commands, environment):
    """Run programs, as many at a time as there are cores; return the worst exit status.

    The first speaks at once, each other one when it has ended (on one core all speak at once).
    """

    def run(command):
        heard = command is commands[0] or cores() == 1
        silence = {} if heard else {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
        return subprocess.run(command, cwd=ROOT, env=environment, **silence)

    statuses = []
    with ThreadPoolExecutor(cores()) as pool:
        for done in pool.map(run, commands):
            statuses.append(done.returncode)
            if done.stdout:
                print(done.stdout.decode(errors="replace"), flush=True)
    return max(statuses, key=abs)


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.test")
    parser.add_argument("--slow", action="store_true", help="only the tests marked slow")
    parser.add_argument("--report", metavar="PATH", help="leave PATH-tests.xml and PATH-notebooks.xml")
    parser.add_argument("named", nargs="*", metavar="TEST", help="tests and notebooks; default: all")
    options = parser.parse_args()
    if options.slow and options.named:
        parser.error("expected --slow or names of tests, got both")
    words = os.environ.get("CH", "").split()
    try:
        chapters = notebooks.selected(words) if words else chapters_in(options.named)
    except (notebooks.BuildError, sources.SourceError) as error:
        sys.exit(str(error))
    provide_programs()
    if not options.slow:
        provide_crates(chapters if options.named or chapters else sources.chapters())
    commands = []
    for name, run in arguments(options.slow, chapters, options.named).items():
        report = [f"--junitxml={options.report}-{name}.xml"] if options.report else []
        commands.append([sys.executable, "-m", "pytest", *run, *report])
    return side_by_side(commands, notebooks.ENVIRONMENT | os.environ)


if __name__ == "__main__":
    sys.exit(main())
