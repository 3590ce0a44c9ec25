"""`make book`: build the HTML book in build/html, running no notebook (SOLUTIONS=hidden: without solutions).

The site is built in build/book and moved to build/html when it is complete and has passed the scans, so
build/html either is the current site or does not exist. Pages whose sources did not change are kept.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys

from filelock import FileLock

from tools import vendor
from tools.environment import ROOT

HTML = ROOT / "build" / "html"
WORK = ROOT / "build" / "book"
STAMP = ".built"
SPHINX = "from jupyter_book.cli.main import main; main()"
OPTIONS = ["-W", "-n", "--keep-going", "--quiet"]
# What every page depends on: a change builds all of them anew. Sphinx knows what the others depend on.
EVERY_PAGE = [
    "book/_*.yml",
    "book/*.bib",
    "book/_static/*.*",
    "book/_templates/*",
    "tools/book*.py",
    "tools/vendor.py",
]
EVERY_PAGE += ["dlcourse/course/*.py", "requirements.txt", "pyproject.toml"]
PAGES = ["book/**/*.md", "notebooks/*.ipynb", "*.md"]
TITLE = re.compile(r'^\s*"?(# .*)$', re.MULTILINE)  # in Markdown, and in a notebook's JSON
ONE_PAGE = [*PAGES, "dlcourse/**/*.py", "book/*.yml"]
ONE_PAGE += ["rust/Cargo.lock", "rust/rust-toolchain.toml", "bench/results/*.json"]


def matching(patterns):
    return sorted({path for pattern in patterns for path in ROOT.glob(pattern)})


def titles():
    """The first heading of every page: the sidebars of all others show it."""
    found = (TITLE.search(path.read_text(encoding="utf-8")) for path in matching(PAGES))
    return "\n".join(match[1] for match in found if match)


def digest(patterns, option):
    """A hash of names and contents of all files that match, and of the option."""
    total = hashlib.sha256(option.encode())
    for path in matching(patterns):
        total.update(f"{path.relative_to(ROOT)} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return total.hexdigest()


def stamp(folder):
    path = folder / STAMP
    return path.read_text() if path.exists() else None


def remove(folder):
    """Delete a folder such that an interruption cannot leave half of it under its name."""
    old = folder.with_name(folder.name + ".old")
    shutil.rmtree(old, ignore_errors=True)  # what an interruption left
    if folder.exists():
        os.replace(folder, old)
        shutil.rmtree(old)


def build_pages(solutions):
    """Run Jupyter Book in WORK; exits when it warns or fails, and then the next build starts afresh."""
    machinery = digest(EVERY_PAGE, solutions + titles())
    if stamp(WORK) != machinery:
        remove(WORK)
    WORK.mkdir(parents=True, exist_ok=True)
    (WORK / STAMP).unlink(missing_ok=True)
    command = [sys.executable, "-c", SPHINX, "build", ".", "--config", "book/_config.yml"]
    command += ["--toc", "book/_toc.yml", "--path-output", str(WORK), *OPTIONS]
    environment = os.environ | {"SOLUTIONS": solutions, "PYTHONHASHSEED": "0"}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL) as sphinx:
        from tools import book_scan  # seconds to import, needed only when something is built: meanwhile
    if sphinx.returncode:
        sys.exit("The book was not built: each warning above is an error here. build/html was removed.")
    if problems := book_scan.problems(WORK / "_build" / "html"):
        print(*problems, sep="\n", file=sys.stderr)
        sys.exit("The book was built but must not be published: see above. build/html was removed.")
    (WORK / STAMP).write_text(machinery)


def publish(state):
    """Move a copy of the finished pages to build/html in one step."""
    new = HTML.with_name("html.new")
    shutil.rmtree(new, ignore_errors=True)
    shutil.copytree(WORK / "_build" / "html", new)
    (new / STAMP).write_text(state)
    os.replace(new, HTML)


def build(solutions=""):
    """Bring build/html up to date; True if there was something to do. Waits for a build that is under way."""
    HTML.parent.mkdir(exist_ok=True)
    with FileLock(HTML.parent / "book.lock"):
        return build_alone(solutions)


def build_alone(solutions):
    state = digest(EVERY_PAGE + ONE_PAGE, solutions)
    if stamp(HTML) == state:
        return False
    remove(HTML)
    vendor.fetch()
    build_pages(solutions)
    publish(state)
    return True


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.book", description="Build the HTML book.")
    default = os.environ.get("SOLUTIONS") or "shown"
    parser.add_argument("--solutions", choices=["shown", "hidden"], default=default)
    option = parser.parse_args().solutions
    if option not in ("shown", "hidden"):  # argparse does not look at a default
        parser.error(f"SOLUTIONS: expected shown or hidden, got {option!r}")
    print("Building the book …", flush=True)
    try:
        made = build(option)
    except vendor.VendorError as error:
        sys.exit(str(error))
    print("Built" if made else "Nothing to do", f"→ open {HTML / 'index.html'}")


if __name__ == "__main__":
    main()
