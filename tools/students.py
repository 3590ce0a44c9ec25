"""`make students`: commit the notebooks for students to the branch `students`, for Colab and nbgitpuller.

Neither the branch at hand nor any file is touched. The branch keeps its history, since nbgitpuller merges.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

from dlcourse.course import cli
from dlcourse.course.repository import STUDENTS
from tools.environment import ROOT


def git(*words, folder=None, **more):
    options = {"cwd": folder or ROOT, "check": True, "capture_output": True, "text": True}
    return subprocess.run(["git", *words], **options, env=os.environ | more).stdout.strip()


def last():
    """The branch's last commit, on this machine or as fetched; None for a first one."""
    for name in (f"refs/heads/{STUDENTS}", f"refs/remotes/origin/{STUDENTS}"):
        if found := git("for-each-ref", "--format=%(objectname)", name):
            return found
    return None


def commit():
    """Commit today's notebooks; None where the branch has them already."""
    with tempfile.TemporaryDirectory() as folder:
        work = Path(folder, "work")
        if cli.start(argparse.Namespace(chapter=None, folder=work)):
            sys.exit("The branch stays as it is: see above.")
        place = {"GIT_DIR": git("rev-parse", "--absolute-git-dir"), "GIT_WORK_TREE": str(work)}
        place["GIT_INDEX_FILE"] = str(Path(folder, "index"))  # the one at hand stays as it is
        git("add", "--all", "--force", ".", folder=work, **place)
        tree, parent = git("write-tree", folder=work, **place), last()
    if parent and git("rev-parse", f"{parent}^{{tree}}") == tree:
        return None
    made = git("commit-tree", tree, *(["-p", parent] if parent else []), "-m", "The notebooks for students")
    git("update-ref", f"refs/heads/{STUDENTS}", made)
    return made


def main():
    made = commit()
    print(f"Branch {STUDENTS}: {made[:10] if made else 'nothing new'} → git push origin {STUDENTS}")


if __name__ == "__main__":
    main()
