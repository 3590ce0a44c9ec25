"""What builds the course: each task is a module, run as `python -m tools.<task>`.

Any Python starts a task: outside the course's environment (`.venv`) this package first makes sure
that environment is complete, then runs the same task inside it.
"""

import sys

if sys.orig_argv[1:2] == ["-m"] and sys.orig_argv[2].startswith("tools."):
    from tools import environment

    environment.enter(sys.orig_argv[2:])
