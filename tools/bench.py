"""`make bench`: time the NumPy layers against PyTorch; warns above 1.5 times a goal."""

import subprocess
import sys

from tools.environment import ROOT

if __name__ == "__main__":  # a process of its own: it chooses how BLAS starts
    sys.exit(subprocess.run([sys.executable, "-m", "bench.layers", *sys.argv[1:]], cwd=ROOT).returncode)
