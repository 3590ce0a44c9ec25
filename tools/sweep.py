"""`make sweep`: run the chapters with 20 other seeds and see which of their asserted thresholds still hold.

Every seed that a chapter or the package gives to NumPy or PyTorch is moved by the same step, and the cells
run as they stand, with each `assert` replaced by an entry in a list: did it hold, and how far from its
threshold? Cells that need Rust are left out: their generators are not NumPy's. Asserts of cells tagged
`timing` are not judged: they speak of the machine and of what else it does, not of a seed. What has run stays
in build/sweep: an interrupted sweep goes on where it was. (Linux or macOS: each run is a forked process.)
tests/results/sweep.json keeps the result, tests/other_seeds.yml says why an assert speaks of one seed only.
Ends with status 1 where any other assert holds at fewer than 90 % of the seeds.

`--own` runs each chapter once with its own seeds and ends with status 1 where an assert fails: what another
CPU would do is seen with ATEN_CPU_CAPABILITY (default, avx2) for PyTorch and OPENBLAS_CORETYPE for NumPy.
"""

import argparse
import ast
import contextlib
import datetime
import gc
import hashlib
import importlib
import json
import operator
import os
import sys
import time
from collections import Counter, defaultdict
from importlib import metadata

import numpy as np
import yaml

from dlcourse.course import atomic, sources
from tools.environment import ROOT
from tools.notebooks import selected

RESULT = ROOT / "tests" / "results" / "sweep.json"
ACCEPTED = ROOT / "tests" / "other_seeds.yml"
SEEDS, STEP, ENOUGH = 20, 10_007, 0.9
LOADED = (
    "torch",
    "matplotlib.pyplot",
    "IPython.core.interactiveshell",
    "sklearn.linear_model",
    "nbval.plugin",
)
ORDER = {"Lt": "<", "LtE": "<=", "Gt": ">", "GtE": ">="}
HOLDS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}


# --- Other seeds -----------------------------------------------------------------------------------------


def move_seeds(step):
    """From now on `default_rng(3)`, `manual_seed(3)` and their like start somewhere else: at 3 + step."""
    import torch

    fresh, whole, own = np.random.default_rng, torch.manual_seed, torch.Generator

    def moved(seed):
        if isinstance(seed, int | np.integer):
            return int(seed) + step
        return [*map(int, seed), step] if isinstance(seed, list | tuple) else seed

    class Generator(own):
        def manual_seed(self, seed):
            return super().manual_seed(moved(seed))

    np.random.default_rng = lambda seed=None: fresh(moved(seed))
    torch.manual_seed = torch.random.manual_seed = lambda seed: whole(moved(seed))
    torch.Generator = Generator


# --- Asserts that are counted ----------------------------------------------------------------------------


class Ledger:
    """What became of each assert of a run: {(cell, text): [held, smallest margin, value]}."""

    def __init__(self):
        self.rows, self.cell = {}, 0

    def truth(self, text, value):
        self._enter(text, bool(value), None, None)

    def compare(self, text, signs, *values):
        """`a < b`, or `a < b < c`: also how far the values lie apart, as a share of the larger one."""
        pairs = list(zip(values, signs, values[1:]))
        held = all(bool(HOLDS[sign](a, b)) for a, sign, b in pairs)
        try:
            margin = min(_margin(float(a), sign, float(b)) for a, sign, b in pairs)
            self._enter(text, held, margin, [float(value) for value in values])
        except (TypeError, ValueError):  # of things that are not numbers
            self._enter(text, held, None, None)

    def _enter(self, text, held, margin, value):
        row = self.rows.setdefault((self.cell, text), [True, margin, value])
        row[0] = row[0] and held  # an assert in a loop holds if it holds every time
        if margin is not None and (row[1] is None or margin < row[1]):
            row[1:] = margin, value


def _margin(a, sign, b):
    largest = max(abs(a), abs(b))
    return (b - a if "<" in sign else a - b) / largest if largest else 0.0


class Counted(ast.NodeTransformer):
    """Each `assert` of a cell becomes an entry in the ledger; nothing is evaluated twice."""

    def visit_Assert(self, node):
        text, test = ast.Constant(ast.unparse(node.test)), node.test
        signs = [ORDER.get(type(op).__name__) for op in test.ops] if isinstance(test, ast.Compare) else [None]
        if all(signs):
            values = [test.left, *test.comparators]
            call = _call("compare", text, ast.Tuple([ast.Constant(s) for s in signs], ast.Load()), *values)
        else:
            call = _call("truth", text, test)
        return ast.fix_missing_locations(ast.copy_location(ast.Expr(call), node))


def _call(name, *arguments):
    function = ast.Attribute(ast.Name("_ledger_", ast.Load()), name, ast.Load())
    return ast.Call(function, list(arguments), [])


# --- A run -----------------------------------------------------------------------------------------------


def shell():
    """An IPython that runs cells as a kernel does, and draws no figures."""
    from IPython.core.interactiveshell import InteractiveShell

    class Shell(InteractiveShell):
        def enable_matplotlib(self, gui=None):
            return gui, "agg"

    return Shell.instance()


def run(slug, step):
    """Run a chapter's cells with moved seeds; return its ledger's rows and the cells that raised an error."""
    from matplotlib import pyplot

    from conftest import needing_rust

    if step:
        move_seeds(step)
    pyplot.switch_backend("agg")
    os.chdir(ROOT / "notebooks")
    cells = [cell for cell in sources.read(slug).cells if cell.cell_type == "code"]
    left_out = needing_rust(cells) | {
        i for i, cell in enumerate(cells) if "raises-exception" in sources.tags(cell)
    }
    ipython, ledger, failed = shell(), Ledger(), {}
    ipython.user_ns["_ledger_"] = ledger
    ipython.ast_transformers.append(Counted())
    for ledger.cell, cell in enumerate(cells):
        if ledger.cell in left_out and not cell.source.startswith("%load_ext"):
            continue
        result = ipython.run_cell(cell.source, store_history=True)
        pyplot.close("all")
        if error := result.error_before_exec or result.error_in_exec:
            failed[ledger.cell] = f"{type(error).__name__}: {error}"[:200]
    rows = [[cell, text, *row] for (cell, text), row in ledger.rows.items()]
    return {"asserts": rows, "errors": sorted(failed.items())}


def forked(slug, seed):
    """The result of one run in a process of its own, with the CPU seconds it took."""
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        try:
            with open(os.devnull, "w") as out, contextlib.ExitStack() as silence:
                silence.enter_context(contextlib.redirect_stdout(out))
                silence.enter_context(contextlib.redirect_stderr(out))
                text = json.dumps(run(slug, STEP * seed), default=float)
        except BaseException as error:
            text = json.dumps({"broken": repr(error)})
        with open(writing, "w") as pipe:
            pipe.write(text)
        os._exit(0)
    os.close(writing)
    with open(reading) as pipe:
        result = json.loads(pipe.read() or '{"broken": "the process died"}')
    used = os.wait4(child, 0)[2]
    if "broken" in result:
        sys.exit(f"{slug}, seed {seed}: {result['broken']}")
    facts = {"seed": seed, "date": datetime.date.today().isoformat()}
    return result | facts | {"seconds": round(used.ru_utime + used.ru_stime, 1)}


def kept(slug):
    """Where the runs of a chapter are kept: other code is another file."""
    code = "\n".join(cell.source for cell in sources.read(slug).cells if cell.cell_type == "code")
    return ROOT / "build" / "sweep" / f"{slug}-{hashlib.sha256(code.encode()).hexdigest()[:16]}.jsonl"


def runs(slug):
    path = kept(slug)
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


# --- Results ---------------------------------------------------------------------------------------------


def timed(slug):
    """The code cells of a chapter that are tagged `timing`."""
    cells = (cell for cell in sources.read(slug).cells if cell.cell_type == "code")
    return {i for i, cell in enumerate(cells) if "timing" in sources.tags(cell)}


def judge(done, without=()):
    """From a chapter's runs: how many asserts are the same at all seeds, and a row for each of the others.

    without: cells whose asserts do not count
    """
    found = defaultdict(list)
    for result in done:
        for cell, text, held, margin, value in result["asserts"]:
            if cell not in without:
                found[cell, text].append((held, margin, value))
    rows, steady = [], 0
    for (cell, text), entries in sorted(found.items()):
        held = sum(entry[0] for entry in entries)
        values = {json.dumps(entry[2]) for entry in entries}
        if len(values) == 1 and held == len(entries):
            steady += 1
            continue
        margins = sorted(entry[1] for entry in entries if entry[1] is not None)
        row = {"cell": cell, "assert": text, "held": held, "of": len(done)}
        if margins:
            row |= {
                "worst margin": round(margins[0], 3),
                "median margin": round(margins[len(margins) // 2], 3),
            }
        rows.append(row)
    broken = Counter((cell, error.split(":")[0]) for result in done for cell, error in result["errors"])
    for (cell, kind), count in sorted(broken.items()):
        rows.append({"cell": cell, "assert": f"(no {kind})", "held": len(done) - count, "of": len(done)})
    return {"steady": steady, "rows": rows}


def accepted():
    """{chapter: {text of an assert: why it speaks about one seed only}}."""
    return (yaml.safe_load(ACCEPTED.read_text()) or {}) if ACCEPTED.exists() else {}


def below(chapters):
    """The asserts that hold at too few seeds and are not accepted, one line each."""
    known, lines = accepted(), []
    for slug, chapter in chapters.items():
        for row in chapter["rows"]:
            if row["held"] < ENOUGH * row["of"] and row["assert"] not in known.get(slug, {}):
                lines.append(
                    f"{slug}, cell {row['cell']}: {row['held']} of {row['of']}: assert {row['assert']}"
                )
    return lines


def text_of(result):
    """The result as JSON that can be read: one assert a line."""
    head = json.dumps({key: value for key, value in result.items() if key != "chapters"}, indent=1)
    parts = []
    for slug, chapter in result["chapters"].items():
        facts = json.dumps({key: value for key, value in chapter.items() if key != "rows"})
        rows = ",\n".join("   " + json.dumps(row, ensure_ascii=False) for row in chapter["rows"])
        parts.append(f'  {json.dumps(slug)}: {facts[:-1]}, "rows": [\n{rows}\n  ]}}')
    return head.removesuffix("\n}") + ',\n "chapters": {\n' + ",\n".join(parts) + "\n }\n}\n"


def save(seeds):
    """Put the chapters that have all runs into the result file; what was swept earlier stays there."""
    before = json.loads(RESULT.read_text())["chapters"] if RESULT.exists() else {}
    chapters = {}
    for slug in sources.chapters():
        done = runs(slug)[:seeds]
        if len(done) == seeds:
            seconds = round(sum(result["seconds"] for result in done))
            facts = {"date": done[-1]["date"], "seeds": seeds, "seconds": seconds}
            chapters[slug] = facts | judge(done, timed(slug))
        elif slug in before:
            chapters[slug] = before[slug]
    result = {
        "versions": {name: metadata.version(name) for name in ("numpy", "torch")},
        "not run": [slug for slug in sources.chapters() if slug not in chapters],
        "chapters": chapters,
    }
    RESULT.parent.mkdir(exist_ok=True)
    atomic.write(RESULT, text_of(result))
    return chapters


def own(slugs):
    """Run chapters with their own seeds; 1 if an assert fails or a cell raises an error, else 0."""
    failed = 0
    for slug in slugs:
        result, apart = forked(slug, 0), timed(slug)
        judged = [row for row in result["asserts"] if row[0] not in apart]
        lines = [f"cell {cell}: assert {text}" for cell, text, held, *_ in judged if not held]
        lines += [f"cell {cell}: {error}" for cell, error in result["errors"]]
        print(f"{slug}: {len(judged)} asserts, {len(lines)} fail", *lines, sep="\n  ", flush=True)
        failed += len(lines)
    return int(failed > 0)


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.sweep")
    parser.add_argument("chapters", nargs="*", help="numbers or slugs; default: CH, or all")
    parser.add_argument("--seeds", type=int, default=SEEDS)
    parser.add_argument("--minutes", type=float, default=1e9, help="start no further run after so many")
    parser.add_argument("--own", action="store_true", help="once, with the chapters' own seeds")
    options = parser.parse_args()
    for name in LOADED:
        importlib.import_module(name)
    gc.freeze()  # else every run visits, and so copies, all that is loaded
    slugs = selected(options.chapters or os.environ.get("CH", "").split())
    if options.own:
        sys.exit(own(slugs))
    end = time.monotonic() + 60 * options.minutes
    for slug in slugs:
        kept(slug).parent.mkdir(parents=True, exist_ok=True)
        for seed in range(1 + len(runs(slug)), 1 + options.seeds):
            if time.monotonic() > end:
                break
            result = forked(slug, seed)
            with kept(slug).open("a") as file:
                file.write(json.dumps(result) + "\n")
            bad = sum(not row[2] for row in result["asserts"]) + len(result["errors"])
            print(
                f"{slug}, seed {seed:2}: {len(result['asserts'])} asserts, {bad} fail, {result['seconds']} s",
                flush=True,
            )
    chapters = save(options.seeds)
    lines = below(chapters)
    print("\n".join(lines) or f"Every assert holds at {ENOUGH:.0%} of the seeds or more.")
    sys.exit(bool(lines))


if __name__ == "__main__":
    main()
