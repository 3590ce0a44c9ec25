"""`make lab`: make the student notebooks in `work/` (existing ones stay as they are) and open JupyterLab."""

import sys

from dlcourse.course.cli import main

if __name__ == "__main__":
    sys.exit(main(["lab"]))
