"""A class of students for the grader's tests: who hands in what, and what it must be worth.

Chapter 07 with seed 7. A student is a function that changes the perfect notebook (a dict as in the file) or
its folder; `expected` names what is not right: "wrong", "ungraded", or nothing at all.
"""

import copy
import json
import os
from dataclasses import dataclass, field
from pathlib import Path

from dlcourse.course import sources
from dlcourse.course.grading import plan, release

SLUG, SEED = "07_perceptron_xor", 7
VICTIM = "majority"  # attacks stand in this exercise's cell, in the middle of the notebook
RIGHT = "(x @ np.ones(3) - 1.5 >= 0).astype(int)"


@dataclass
class Student:
    """files: name in the student's folder -> bytes, or a notebook; build: further work in the folder."""

    name: str
    files: dict
    expected: dict = field(default_factory=dict)
    diagnosis: dict = field(default_factory=dict)
    build: object = None
    fast: bool = False


def perfect(the_plan, released):
    """The notebook with every answer right."""
    notebook = json.loads(json.dumps(copy.deepcopy(released)))
    known = {s.name: sources.solved(s.solution) for s in sources.exercises(sources.read(the_plan.chapter))}
    for problem in the_plan.problems:
        if problem.answer:
            known[problem.name] = f"{problem.expression} = {problem.answer}"
    for cell in notebook["cells"]:
        name = named(cell)
        if part(cell) == "code":
            cell["source"] = known[name]
    return notebook


def named(cell):
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "").rpartition("-")[0]


def part(cell):
    return cell["metadata"].get("nbgrader", {}).get("grade_id", "").rpartition("-")[2]


def find(notebook, name, wanted="code"):
    return next(c for c in notebook["cells"] if named(c) == name and part(c) == wanted)


def code_cell(source, **metadata):
    cell = {"cell_type": "code", "source": source, "metadata": metadata, "outputs": []}
    return cell | {"execution_count": None, "id": f"own-{abs(hash(source)) % 10**8}"}


def the_class(course, port):
    """All students. course: the folder an attacker wants to see; port: where somebody listens."""
    the_plan = plan.make(SLUG, SEED)
    base = perfect(the_plan, release.notebook(the_plan))
    names = [p.name for p in the_plan.problems if p.kind != plan.WRITTEN]
    made = []

    def add(name, change=None, expected=None, *, file=None, diagnosis=None, build=None, fast=False):
        notebook = copy.deepcopy(base)
        result = change(notebook) if change else None
        files = result if isinstance(result, dict) and "cells" not in result else None
        files = {f"{SLUG}.ipynb": notebook} if files is None else files
        if file:
            files = {file: files[f"{SLUG}.ipynb"]}
        made.append(Student(name, files, expected or {}, diagnosis or {}, build, fast))

    def answer(**sources_):
        def change(notebook):
            for name, source in sources_.items():
                find(notebook, name)["source"] = source

        return change

    def attack(name, body, status="wrong", before="", more=None, fast=False):
        source = f"{before}\ndef majority(x):\n" + "\n".join("    " + line for line in body.splitlines())
        add(f"attack-{name}", answer(majority=source), {VICTIM: status} | (more or {}), fast=fast)

    honest(add, answer, names)
    damaged(add, base, names)
    attacks(add, attack, answer, names, course, port)
    return made


# --- Honest ---------------------------------------------------------------------------------------------


def honest(add, answer, names):
    add("perfect", fast=True)
    stub = {s.name: sources.stub(s.solution) for s in sources.exercises(sources.read(SLUG))}

    def untouched(notebook):
        for cell in notebook["cells"]:
            if part(cell) == "code":
                cell["source"] = stub.get(named(cell), f"{named(cell).replace('-', '_')} = []")

    add("stubs", untouched, dict.fromkeys(names, "wrong"), fast=True)
    mistakes = {
        "and": ("nand_unit", "def nand_unit():\n    return [1.0, 1.0], -1.5"),
        "nor": ("nand_unit", "def nand_unit():\n    return [-1.0, -1.0], 0.5"),
        "score": ("distances", "def distances(x, w, b):\n    return x @ w + b"),
        "unsigned": ("distances", "def distances(x, w, b):\n    return abs(x @ w + b) / np.linalg.norm(w)"),
        "no-bias": ("distances", "def distances(x, w, b):\n    return x @ w / np.linalg.norm(w)"),
        "any": ("majority", "def majority(x):\n    return (x.sum(axis=1) >= 1).astype(int)"),
        "all": ("majority", "def majority(x):\n    return (x.sum(axis=1) >= 3).astype(int)"),
        "parity": ("majority", "def majority(x):\n    return (x.sum(axis=1) % 2).astype(int)"),
        "sum": ("bce_gradient", "def bce_gradient(z, t):\n    return 1 / (1 + np.exp(-z)) - t"),
        "no-slope": (
            "hidden_gradient",
            "def hidden_gradient(x, h, w2, delta):\n    e = delta @ w2\n    return e.T @ x, e.sum(axis=0)",
        ),
        "strict": (
            "rust_unit",
            "%%rust --lib rust_unit\nfn unit(weights: &[f64], bias: f64, inputs: &[bool]) -> bool {\n"
            "    let s: f64 = weights.iter().zip(inputs).filter(|&(_, &on)| on).map(|(w, _)| w).sum();\n"
            "    s + bias > 0.0\n}",
        ),
    }
    for mistake, (name, source) in mistakes.items():
        words = {name: mistake}
        add(
            f"mistake-{mistake}",
            answer(**{name: source}),
            {name: "wrong"},
            diagnosis=words,
            fast=mistake == "sum",
        )
    guess = answer(**{names[-1]: f"{names[-1].replace('-', '_')} = [1, 2, 3, 4, 5, 6]"})
    add("guesses", guess, {names[-1]: "wrong"})


# --- Damaged on the way -----------------------------------------------------------------------------------


def damaged(add, base, names):
    everything = dict.fromkeys(names, "ungraded")

    def duplicated(notebook):
        position = notebook["cells"].index(find(notebook, VICTIM))
        copy_ = copy.deepcopy(notebook["cells"][position]) | {"id": "copied"}
        copy_["source"] = "def majority(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()"
        notebook["cells"].insert(position + 1, copy_)

    def no_checks(notebook):
        notebook["cells"] = [cell for cell in notebook["cells"] if part(cell) != "check"]

    def no_answer(notebook):
        notebook["cells"].remove(find(notebook, VICTIM))

    def moved(notebook):
        cell = find(notebook, VICTIM)
        notebook["cells"].remove(cell)
        notebook["cells"].append(cell)

    def split(notebook):
        cell = find(notebook, "perceptron_step")
        head, tail = cell["source"].split("\n", 1)
        cell["source"] = head
        notebook["cells"].insert(notebook["cells"].index(cell) + 1, code_cell(tail))

    def helper(notebook):
        find(notebook, VICTIM)["source"] = "def majority(x):\n    return at_least_two(x)"
        text = "def at_least_two(x):\n    return " + RIGHT
        notebook["cells"].insert(1, code_cell(text))

    def anonymous(notebook):
        for cell in notebook["cells"]:
            cell["metadata"], cell["id"] = {}, "x"
        notebook["metadata"] = {}

    def version_3(notebook):
        for cell in notebook["cells"]:
            if cell["cell_type"] == "code":
                cell["input"], cell["language"] = cell.pop("source"), "python"
        sheets = [{"cells": notebook.pop("cells")}]
        notebook.update(worksheets=sheets, nbformat=3, nbformat_minor=0)
        return {f"{SLUG}.ipynb": json.dumps(notebook)}

    def text(change):
        return lambda notebook: {f"{SLUG}.ipynb": change(notebook)}

    def comment(notebook, encoding):
        find(notebook, VICTIM)["source"] += "  # für alle: é"
        return json.dumps(notebook, ensure_ascii=False).encode(encoding, "replace")

    def kernel(notebook):
        notebook["metadata"]["kernelspec"] = {"name": "my-own", "display_name": "Mine", "language": "python"}

    def syntax(notebook):
        find(notebook, VICTIM)["source"] = "def majority(x:\n    return"

    def large(notebook):
        cell = find(notebook, VICTIM)
        cell["outputs"] = [{"output_type": "stream", "name": "stdout", "text": "x" * 100_000_000}]

    def two(notebook):
        empty = copy.deepcopy(notebook)
        for cell in empty["cells"]:
            cell["source"] = ""
        return {"draft.ipynb": empty, "final.ipynb": notebook}

    add("duplicated", duplicated, fast=True)
    add("no-checks", no_checks)
    add("deleted-answer", no_answer, {VICTIM: "ungraded"}, fast=True)
    add("moved", moved)
    add("split", split)
    add("helper-elsewhere", helper)
    add("without-metadata", anonymous)
    add("version-3", version_3)
    add("crlf", text(lambda n: json.dumps(n, indent=1).replace("\n", "\r\n").replace("\\n", "\\r\\n")))
    add("windows-1252", text(lambda n: comment(n, "cp1252")), fast=True)
    add("utf-16", text(lambda n: comment(n, "utf-16")))
    add("other-kernel", kernel)
    add("syntax-error", syntax, {VICTIM: "wrong"})
    add("large-outputs", large)
    add("renamed", file="Perceptron (final) v2.ipynb")
    add("subfolder", file="homework/week 3/my.ipynb")
    add("two-notebooks", two)
    add("empty-file", text(lambda n: b""), everything)
    add("not-json", text(lambda n: b"<<<<<<< HEAD\n{"), everything)
    add("nothing", lambda n: {"readme.txt": b"I am sorry"}, None)
    rust = "%%rust --lib rust_unit\nfn unit("
    add("rust-error", lambda n: find(n, "rust_unit").update(source=rust), {"rust_unit": "wrong"})


# --- Attacks ----------------------------------------------------------------------------------------------


ALWAYS = """for name in ('allclose', 'isclose', 'array_equal', 'all', 'abs'):
    setattr(np, name, lambda *a, **k: True)"""

EQUAL = """class Yes(np.ndarray):
    __eq__ = __ge__ = __le__ = lambda *a: True
return x.view(Yes)"""

LINES = """import json, os
value = {'value': 1, 'problem': '', 'says': '', 'error': '', 'printed': '', 'mutated': False}
for fd in range(3, 60):
    try:
        os.write(fd, b'\\n' + json.dumps({'step': 9, 'outcomes': [value]}).encode() + b'\\nnonsense\\n')
    except OSError:
        pass
return 1"""

FORKS = """import os
while True:
    try:
        os.fork()
    except OSError:
        pass"""

SHARED = """import mmap
blocks = []
while True:
    blocks.append(mmap.mmap(-1, 2**24))
    blocks[-1].write(b'1' * 2**24)"""

FILL = """with open('/scratch/fill', 'wb') as file:
    for _ in range(2000):
        file.write(b'1' * 2**20)
"""

STUBBORN = """while True:
    try:
        while True: pass
    except BaseException:
        pass"""


def attacks(add, attack, answer, names, course, port):
    right = f"return {RIGHT}"
    after = names[names.index(VICTIM) + 1 :]
    visit = f"import socket\nsocket.create_connection(('127.0.0.1', {port}), 2)\n"
    attack("network", visit + right, fast=True)
    places = [f"{course}/gradebook.db", f"{course}/results/perfect.json", f"{course}/assignments/{SLUG}.json"]
    places += [f"{course}/submitted/perfect/{SLUG}.ipynb", f"{sources.ROOT}/notebooks/{SLUG}.md"]
    for name, place in zip(("gradebook", "results", "key", "others", "solutions"), places):
        attack(name, f"open({place!r}, 'rb').read()\n{right}", fast=name == "gradebook")
    attack("writes", f"open({places[0]!r}, 'ab').write(b'1')\n{right}")
    hidden = "from dlcourse.course import exercises\nreturn exercises.entry('majority').expected((x,))"
    attack("hidden-tests", hidden, fast=True)
    attack("checks-module", "from dlcourse.course.exercises import perceptron_xor\n" + right)
    attack("allclose", "return np.zeros(len(x), int)", before=ALWAYS, fast=True)
    rebound = "from dlcourse.course import exercises\ncheck = lambda *a: None\n"
    rebound += "exercises.judge = exercises.check = check"
    attack("check-rebound", "return 1", before=rebound)
    forged = "from dlcourse.course import exercises\n"
    forged += "exercises.outcomes = lambda e, a, cases: [exercises.Outcome(value=True) for c in cases]"
    attack("outcomes-forged", "return 1", before=forged, more=dict.fromkeys(after, "wrong"))
    attack("equals-all", EQUAL)
    attack("forged-lines", LINES, "any", more={name: None for name in after})
    attack("fork-bomb", FORKS, "any")
    attack("memory-bomb", "return len([bytearray(2**24) for _ in range(1000)])", "any", fast=True)
    attack("shared-memory-bomb", SHARED, "ungraded")
    attack("disk-fill", FILL + right, fast=True)
    many = "for i in range(300):\n    open(f'/dev/shm/{i}', 'wb').write(b'1' * 2**20)\n" + right
    attack("shm-fill", many)
    attack("loop", "while True:\n    pass")
    attack("stubborn-loop", STUBBORN)
    deaf = "import signal\nsignal.setitimer = None\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)"
    add("attack-endless-cell", answer(majority=f"{deaf}\nwhile True: pass"), {VICTIM: "ungraded"})
    attack("exit", "import os\nos._exit(0)", "ungraded", fast=True)
    attack("kill", "import os\nos.kill(os.getpid(), 9)", "ungraded")
    attack("kill-all", "import os\nos.kill(-1, 9)", "any")
    attack("segfault", "import ctypes\nctypes.string_at(0)", "ungraded")
    attack("flood", "import os\nwhile True:\n    os.write(1, b'x' * 2**20)")
    attack("huge-answer", "return 'x' * 300_000_000", "any")
    attack("limits", "import resource\nresource.setrlimit(resource.RLIMIT_NPROC, (-1, -1))\n" + right)
    peek = "import glob\nfound = [open(p, 'rb').read() for p in glob.glob('/proc/[0-9]*/environ')]\n"
    attack("environment", peek + f"assert any(b'SECRET' in text for text in found)\n{right}")
    user = "import ctypes\nassert ctypes.CDLL(None).unshare(0x10000000) == 0\n"
    attack("new-user", user + right)
    rust = "%%rust --lib rust_unit\nfn unit(weights: &[f64], bias: f64, inputs: &[bool]) -> bool {\n"
    rust += f'    std::fs::read("{places[0]}").unwrap();\n    true\n}}'
    add("attack-rust-reads", answer(rust_unit=rust), {"rust_unit": "wrong"})

    def linked(folder):
        os.symlink(places[0], Path(folder, f"{SLUG}.ipynb"))
        os.symlink(Path(course, "submitted", "perfect"), Path(folder, "theirs"))
        os.mkfifo(Path(folder, "pipe.ipynb"))

    add("attack-links", lambda n: {}, None, build=linked)
    everything = dict.fromkeys(names, "ungraded")
    bombs = {
        "nested": b"[" * 1_000_000,
        "lists": b'{"cells": [' + b"[]," * 20_000_000 + b"[]]}",
        "cells": b'{"cells": [' + b'{"cell_type":"code","source":"1"},' * 400_000 + b"1]}",
    }
    for name, data in bombs.items():
        add(f"attack-bomb-{name}", lambda n, d=data: {f"{SLUG}.ipynb": d}, everything)

    def sparse(folder):
        with open(Path(folder, f"{SLUG}.ipynb"), "wb") as file:
            file.truncate(10**10)

    add("attack-bomb-size", lambda n: {}, None, build=sparse)


def write(students, folder):
    """Write the submissions as a learning platform would: a folder per student."""
    for student in students:
        place = Path(folder, student.name)
        place.mkdir(parents=True)
        for name, content in student.files.items():
            target = place / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, dict):
                content = json.dumps(content)
            target.write_bytes(content.encode() if isinstance(content, str) else content)
        if student.build:
            student.build(place)
