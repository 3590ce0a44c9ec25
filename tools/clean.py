"""`make clean`: remove what the tasks built (the environment and students' work stay)."""

import shutil

from tools.environment import ROOT

BUILT = ["build", "book/_static/vendor", ".pytest_cache", ".ruff_cache", ".hypothesis"]

if __name__ == "__main__":
    for name in BUILT:
        shutil.rmtree(ROOT / name, ignore_errors=True)
    print("Removed:", ", ".join(BUILT))
