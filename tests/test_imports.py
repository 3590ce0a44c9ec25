"""What importing costs, and what it must not load; measured in fresh interpreters."""

import json
import subprocess
import sys

import pytest

MEASURE = """
import json, sys, time
start = time.process_time()
{code}
spent = time.process_time() - start
print(json.dumps([spent, sorted({{name.partition(".")[0] for name in sys.modules}})]))
"""


def measure(code, tries=1):
    """The least CPU time of several tries, and the top-level modules that are loaded afterwards."""
    command = [sys.executable, "-c", MEASURE.format(code=code)]
    runs = [json.loads(subprocess.run(command, check=True, capture_output=True).stdout) for _ in range(tries)]
    return min(spent for spent, _ in runs), set(runs[0][1])


HEAVY = {"torch", "matplotlib", "scipy", "pandas", "sklearn", "IPython"}


def test_import_is_light():
    package, loaded = measure("import dlcourse", tries=5)
    numpy, _ = measure("import numpy", tries=5)
    assert not loaded & (HEAVY | {"numpy"})
    assert package <= numpy + 0.025


def test_reference_needs_numpy_alone():
    _, nothing = measure("pass")
    _, numpy = measure("import numpy")
    _, loaded = measure("import dlcourse.reference")
    extra = loaded - numpy - nothing - set(sys.stdlib_module_names)
    assert extra == {"dlcourse"}


@pytest.mark.parametrize(
    "module",
    [
        "dlcourse.training",
        "dlcourse.checkpoint",
        "dlcourse.data.digits",
        "dlcourse.data.mnist",
        "dlcourse.data.imdb",
    ],
)
def test_light_modules(module):
    assert not measure(f"import {module}")[1] & HEAVY


def test_pytorch_twins_stand_alone():
    code = "import dlcourse.pytorch; assert 'dlcourse.reference' not in sys.modules"
    assert "torch" in measure(code)[1]
