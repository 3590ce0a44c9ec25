"""What builds the course: each task is a module, run as `python -m tools.<task>`.

Any Python starts a task: outside the course's environment (`.venv`) this package first makes sure
that environment is complete, then runs the same task inside it.
"""

import sys

AT_HAND = "tools.gpu"  # on a GPU machine PyTorch is there already, built for its driver

if sys.orig_argv[1:2] == ["-m"] and sys.orig_argv[2].startswith("tools.") and sys.orig_argv[2] != AT_HAND:
    from tools import environment

    environment.enter(sys.orig_argv[2:])
