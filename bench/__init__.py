"""Benchmarks, on one thread. That is settled before NumPy is loaded: on busy cores a second one costs."""

import os

os.environ |= {name: "1" for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")}
