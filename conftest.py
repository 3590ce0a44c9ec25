"""How pytest runs the course: one thread, nobody's progress touched, notebooks compared in every output.

nbval replays the chapters; four repairs make it see what a reader sees: `;` and `_` work, images are
compared, `timing` cells are not, and cells that need Rust are skipped where there is none (on CI they fail).
What each notebook cost is measured on the way; over the budget, the run fails.
"""

import base64
import importlib.metadata
import io
import os
import platform
import re
import shutil
import sys
import tempfile
from pathlib import Path

from tools.notebooks import ENVIRONMENT

os.environ.update({name: value for name, value in ENVIRONMENT.items() if name not in os.environ})
os.environ.pop("MPLBACKEND", None)
PRIVATE = tempfile.TemporaryDirectory(prefix="dlcourse-tests-")
os.environ["DLCOURSE_HOME"], os.environ["IPYTHONDIR"] = f"{PRIVATE.name}/home", f"{PRIVATE.name}/ipython"

# From here on NumPy may be imported: the number of its threads is fixed.
import nbval.kernel  # noqa: E402
import nbval.plugin  # noqa: E402
import numpy as np  # noqa: E402
import pytest  # noqa: E402
from PIL import Image  # noqa: E402

from dlcourse.course import sources  # noqa: E402
from dlcourse.course.rust.absent import names  # noqa: E402
from tests import budget  # noqa: E402

ROOT = Path(__file__).parent
ON_CI = os.environ.get("CI") == "true"
REPRODUCES = ("ipython", "ipywidgets", "matplotlib", "numpy", "pillow", "scikit-learn", "torch")
NOT_A_TOOL = re.compile(r"GPU|CUDA|MPS|Windows|macOS|network", re.IGNORECASE)
LARGEST_RMS = 2 / 255


@pytest.fixture(autouse=True)
def own_home(tmp_path_factory, monkeypatch):
    """Every test keeps its progress in a folder of its own."""
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path_factory.mktemp("home")))


@pytest.fixture(autouse=True)
def torch_as_it_was():
    """A chapter's set-up cell, run by a test, must not change torch's default dtype for later tests."""
    yield
    if "torch" in sys.modules:
        sys.modules["torch"].set_default_dtype(sys.modules["torch"].float32)


# --- Strict or lax -------------------------------------------------------------------------------------


def pins():
    """The pinned version of each package in REPRODUCES, for this Python."""
    from packaging.requirements import Requirement

    lines = (ROOT / "requirements.txt").read_text().splitlines()
    pinned = [Requirement(line) for line in lines if line and not line.startswith("#")]
    return [r for r in pinned if r.name in REPRODUCES and (r.marker is None or r.marker.evaluate())]


def differences_from_the_pinned_image():
    """Why stored outputs need not reproduce here: an empty list on the machine class they were made on."""
    reasons = []
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        reasons.append(f"the system is {sys.platform} {platform.machine()}")
    elif "avx512f" not in Path("/proc/cpuinfo").read_text():
        reasons.append("the CPU has no AVX-512")
    if sys.version_info[:2] != (3, 11):
        reasons.append(f"Python is {platform.python_version()}")
    for pin in pins():
        if not pin.specifier.contains(importlib.metadata.version(pin.name).split("+")[0]):
            reasons.append(f"{pin.name} is {importlib.metadata.version(pin.name)}, not {pin.specifier}")
    return reasons


def comparison():
    """How notebooks are compared, "strict" or "lax", and why; DLCOURSE_NOTEBOOKS overrules."""
    if (wanted := os.environ.get("DLCOURSE_NOTEBOOKS")) in ("strict", "lax"):
        return wanted, "as DLCOURSE_NOTEBOOKS says"
    reasons = differences_from_the_pinned_image()
    if reasons:
        return "lax", "only the asserts count, because " + ", ".join(reasons)
    return "strict", "every output, as on x86-64 Linux with AVX-512, Python 3.11 and the pinned packages"


def pytest_configure(config):
    config.dlcourse_comparison = kind, _ = comparison()
    if config.option.nbval and kind == "lax":
        config.option.nbval_lax = True


def pytest_report_header(config):
    kind, why = config.dlcourse_comparison
    rustc = shutil.which("rustc") or "missing: Rust cells are " + ("failed" if ON_CI else "skipped")
    return [f"notebooks: {kind} comparison ({why})", f"rustc: {rustc}"]


def pytest_sessionfinish(session):
    if budget.broken(budget.FOUND) and session.exitstatus == pytest.ExitCode.OK:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED


def pytest_terminal_summary(terminalreporter):
    if budget.FOUND:
        terminalreporter.section("what the notebooks cost", sep="-")
        for line in budget.lines(budget.FOUND):
            terminalreporter.write_line(line)
        for line in budget.broken(budget.FOUND):
            terminalreporter.write_line(f"over the budget: {line}", red=True)


def pytest_unconfigure():
    PRIVATE.cleanup()


# --- Repairs of nbval ------------------------------------------------------------------------------------


def execute_with_history(self, cell_input, allow_stdin=None):
    """nbval runs cells without history, which turns `;`, `_` and `Out` off."""
    return self.kc.execute(cell_input, store_history=True, allow_stdin=allow_stdin, stop_on_error=False)


def pixels(encoded):
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(encoded))).convert("RGBA"), dtype=float) / 255


def same_picture(one, other):
    """Whether two encoded images look the same: equal shape and a root mean square below 2/255."""
    a, b = pixels(one), pixels(other)
    return a.shape == b.shape and float(np.sqrt(np.mean((a - b) ** 2))) < LARGEST_RMS


compare_text = nbval.plugin.IPyNbCell.compare_outputs


def compare_outputs_and_pictures(self, test, ref, skip_compare=None):
    if not compare_text(self, test, ref, skip_compare):
        return False
    for kind in ("image/png", "image/jpeg"):
        new, old = ([o["data"][kind] for o in outs if kind in o.get("data", {})] for outs in (test, ref))
        if len(new) != len(old) or not all(map(same_picture, new, old)):
            self.comparison_traceback.append(f" mismatch '{kind}'")
            return False
    return True


set_up_kernel = nbval.plugin.IPyNbFile.setup


def set_up_with_own_home(self):
    os.environ["DLCOURSE_HOME"] = tempfile.mkdtemp(dir=PRIVATE.name)
    set_up_kernel(self)


end_kernel = nbval.plugin.IPyNbFile.teardown


def measure_and_end_kernel(self):
    alive = self.kernel is not None and self.kernel.is_alive()
    if alive and (used := budget.measure(self.kernel.km.provisioner.pid)):
        budget.FOUND[self.path.stem] = used
    end_kernel(self)


nbval.plugin.IPyNbFile.teardown = measure_and_end_kernel
nbval.kernel.RunningKernel.execute_cell_input = execute_with_history
nbval.plugin.IPyNbCell.compare_outputs = compare_outputs_and_pictures
nbval.plugin.IPyNbFile.setup = set_up_with_own_home


# --- Cells that are not compared, or cannot run ---------------------------------------------------------


def needing_rust(cells):
    """Positions of the cells that need rustc: themselves, or a result of one (`--out`, `--lib`)."""
    needing, variables, answers = set(), set(), set()
    for position, cell in enumerate(cells):
        if sources.is_rust(cell.source):
            needing.add(position)
            for option, name in re.findall(r"--(out|lib)[ =]([\w-]+)", cell.source.split("\n")[0]):
                (variables if option == "out" else answers).add(name)
            continue
        read, bound = names(cell.source)
        checked = set(re.findall(r"check\(\s*[\"']([\w-]+)", cell.source))
        if "rust" in sources.tags(cell) or read & variables or checked & answers:
            needing.add(position)
            variables |= bound
        else:
            variables -= bound
    return needing


def pytest_collection_modifyitems(items):
    items.sort(key=lambda item: item.path.name != "test_check.py")  # seconds, and the commonest slips
    rust = shutil.which("rustc")
    files = {item.parent for item in items if isinstance(item, nbval.plugin.IPyNbCell)}
    without = set()
    for file in files:
        cells = [cell for cell in file.nb.cells if cell.cell_type == "code"]
        without |= {(file, position) for position in ([] if rust else needing_rust(cells))}
    for item in items:
        if not isinstance(item, nbval.plugin.IPyNbCell):
            continue
        if "timing" in sources.tags(item.cell):
            item.options["check"] = False
        if (item.parent, item.cell_num) in without:
            item.add_marker(pytest.mark.skip(reason="missing tool: rustc, from https://rustup.rs"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item):
    report = yield
    if ON_CI and report.skipped and not hasattr(report, "wasxfail"):
        reason = str(report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr)
        if not NOT_A_TOOL.search(reason):
            report.outcome, report.longrepr = "failed", f"On CI nothing may be skipped. {reason}"
    return report
