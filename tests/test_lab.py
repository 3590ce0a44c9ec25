"""The first minutes of a student, in a real JupyterLab driven by a real browser (slow)."""

import json
import os
import re
import signal
import subprocess
import sys
import time

import pytest

from dlcourse.course import cli, progress, sources
from tools.browser import Browser, find

NEEDS = "needs chromium and process groups"
pytestmark = [pytest.mark.slow, pytest.mark.skipif(not (find() and hasattr(os, "killpg")), reason=NEEDS)]
SLUG = "07_perceptron_xor"
OPTIONS = ["--no-browser", "--port=0", "--IdentityProvider.token="]
ADDRESS = re.compile(r"http://(localhost|127\.0\.0\.1):\d+/")
MENU = "[...document.querySelectorAll('.lm-MenuBar-item')].find(e => e.innerText.trim() == '{}')"
ITEM = "[...document.querySelectorAll('.lm-Menu-item')].find(e => e.innerText.trim().startsWith('{}'))"
NOTEBOOK = "document.querySelector('.jp-Notebook')"
ACTIVE = f"{NOTEBOOK}.querySelector('.jp-Cell.jp-mod-active')?.innerText ?? ''"
CELL = f"[...{NOTEBOOK}.querySelectorAll('.jp-CodeCell')]"
STATE = "document.querySelector('.jp-Notebook-ExecutionIndicator')?.dataset.status"
KEYS = {"Enter": ("Enter", 13), "a": ("KeyA", 65), "s": ("KeyS", 83)}
CONTROL, SHIFT = 2, 8


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """The address of a JupyterLab as `dlcourse lab` starts it."""
    monkeypatch.chdir(tmp_path)
    root = ["--allow-root"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    command = [sys.executable, "-m", "dlcourse.course.cli", "lab", "--", *OPTIONS, *root]
    home = {"HOME": str(tmp_path), "PYTHONPATH": str(sources.ROOT), "OMP_NUM_THREADS": "1"}
    with open("lab.log", "w+") as log:
        options = {"env": os.environ | home, "stdout": log, "stderr": log, "start_new_session": True}
        process = subprocess.Popen(command, **options)
        try:
            yield wait(lambda: ADDRESS.search((tmp_path / "lab.log").read_text()))[0]
        finally:
            os.killpg(process.pid, signal.SIGTERM)  # the server ends its kernels
            process.wait(30)


def wait(ready, seconds=180):
    deadline = time.monotonic() + seconds
    while not (value := ready()):
        assert time.monotonic() < deadline, "nothing came"
        time.sleep(0.5)
    return value


class Student(Browser):
    """A browser with a hand on mouse and keyboard."""

    def click(self, element):
        box = "(e => { const r = e.getBoundingClientRect(); return [r.x + r.width / 2, r.y + r.height / 2] })"
        x, y = self.evaluate(f"{box}({element})")
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.send("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def press(self, key, modifiers=0):
        code, number = KEYS[key]
        press = {"modifiers": modifiers, "key": key, "code": code, "windowsVirtualKeyCode": number}
        for kind in ("keyDown", "keyUp"):
            self.send("Input.dispatchKeyEvent", type=kind, **press)

    def go_to(self, words):
        """Run cells one by one, as one does, until the active one contains these words."""
        for _ in range(200):
            if words in self.evaluate(ACTIVE):
                return
            self.press("Enter", SHIFT)
            time.sleep(0.3)
        raise AssertionError(f"no cell with {words!r}")

    def answer(self, code):
        """Replace the active cell by this code, run it and the check behind it."""
        self.press("Enter")
        self.press("a", CONTROL)
        self.send("Input.insertText", text=code)
        for _ in range(2):
            self.press("Enter", SHIFT)
            time.sleep(0.5)

    def shows(self, words):
        return wait(lambda: words in self.evaluate(f"{NOTEBOOK}.innerText"), 60)

    def choose(self, menu, item):
        self.click(MENU.format(menu))
        wait(lambda: self.evaluate(f"!!{ITEM.format(item)}"))
        self.click(ITEM.format(item))


def test_the_first_ten_minutes_of_a_student(lab, tmp_path, capsys):
    with Student(timeout=120) as student:
        student.view("light", 1280)
        student.send("Page.navigate", url=f"{lab}lab/tree/{SLUG}.ipynb")
        wait(lambda: student.evaluate("!!document.querySelector('.jp-Notebook .jp-Cell')"))
        time.sleep(5)  # whatever wants to disturb comes now
        assert student.evaluate("document.querySelectorAll('.jp-Dialog, .Toastify__toast').length") == 0
        assert "Validate" not in student.evaluate("document.body.innerText")  # nbgrader's, for instructors

        student.click(f"{NOTEBOOK}.querySelector('.jp-CodeCell .jp-InputArea-editor')")
        student.go_to("def nand_unit")
        assert "●○○ warm-up" in student.evaluate(f"{NOTEBOOK}.innerText")
        student.answer("def nand_unit():\n    return [1.0, 1.0], -1.5")
        assert student.shows("✗ nand_unit")
        student.click(f"{CELL}.find(e => e.innerText.includes('def nand_unit')).querySelector('.cm-content')")
        student.answer("def nand_unit():\n    return [-1.0, -1.0], 1.5")
        assert student.shows("✓ nand_unit: right in all")
        assert progress.solved("nand_unit")
        assert cli.main(["status", "07"]) == 0 and " 1/10 ✓" in capsys.readouterr().out

        student.choose("Run", "Run All Cells")
        time.sleep(5)
        wait(lambda: student.evaluate(STATE) == "idle", 300)
        student.press("s", CONTROL)
        path = tmp_path / "work" / f"{SLUG}.ipynb"
        wait(lambda: all(ran(path)), 30)  # past the unsolved exercises, to the end


def ran(path):
    """The execution counts in the saved notebook."""
    cells = json.loads(path.read_text("utf-8"))["cells"]
    return [cell["execution_count"] for cell in cells if cell["cell_type"] == "code"]
