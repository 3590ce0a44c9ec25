"""`make mutate`: try a seeded sample of mutants of dlcourse/reference on the tests of their concepts.

mutmut makes the mutants: another operator, number, argument, condition, constant. Each takes the place of its
module in a copy of the course and meets tests/test_<concept>.py in a forked process, where PyTorch is loaded
already (so: Linux or macOS). What was tried stays in build/mutation: an interrupted run goes on where it was.
tests/results/mutation.json keeps the result; tests/survivors.yml says why a survivor may live.
"""

import argparse
import ast
import contextlib
import datetime
import gc
import hashlib
import importlib
import json
import math
import os
import platform
import random
import resource
import shutil
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import asdict, dataclass
from importlib import metadata

from dlcourse.course.rust.toolchain import cache_folder
from tools.environment import ROOT

MAKER = {"mutmut": "3.8.1", "libcst": "1.9.0"}  # apart from the pins: only who runs this task needs them
TREE = ROOT / "build" / "mutation" / "tree"
TRIED = ROOT / "build" / "mutation" / "tried.jsonl"
RESULT = ROOT / "tests" / "results" / "mutation.json"
COPIED = ("dlcourse", "tests", "tools", "conftest.py", "pyproject.toml", "requirements.txt")
SHARE, SEED = 1 / 16, 2026
EXAMPLES = 10  # of Hypothesis, for each property: the same ones in every trial
LOADED = ("torch", "hypothesis", "pytest", "nbval.plugin", "matplotlib.pyplot", "jupytext", "tools.notebooks")
# The concept's own tests where they do not bear its name.
TESTS = {
    "checks": ["layer"],
    "gru": ["recurrent"],
    "lstm": ["recurrent"],
    "mlp": ["layer", "sequential", "weights_cross"],
    "positions": ["transformer", "attention"],
    "rnn": ["recurrent"],
    "unfolding": ["convolution", "pooling"],
}
# Who survives the concept's own tests meets those that go through every public name.
COMMON = [f"tests/test_{name}.py" for name in ("bad_input", "named_errors", "dtypes")]


@dataclass(frozen=True)
class Mutant:
    """One edit: in which concept, its number there, its first line, and "gru.GRU.forward: this → that"."""

    concept: str
    index: int
    line: int
    name: str


def concepts():
    """The modules of the reference, and the one by which they refuse wrong input."""
    found = {p.stem for p in (ROOT / "dlcourse" / "reference").glob("*.py")} - {"__init__"}
    return sorted(found | {"checks"})


def module(concept, root=ROOT):
    folder = root / "dlcourse"
    return (folder if concept == "checks" else folder / "reference") / f"{concept}.py"


def tests(concept):
    return [f"tests/test_{name}.py" for name in TESTS.get(concept, [concept])]


# --- The mutants -----------------------------------------------------------------------------------------


def provide_maker():
    """Install mutmut beside the environment, behind it on the path: the pins stay what they are."""
    wanted = [f"{name}=={version}" for name, version in MAKER.items()]
    folder = cache_folder() / "-".join(["mutmut", MAKER["mutmut"], platform.python_version()])
    if not (folder / "libcst").is_dir():
        command = [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--no-deps", "--target", folder]
        if subprocess.run([*command, *wanted]).returncode:
            sys.exit(f"{' and '.join(wanted)} could not be installed: see the message above.")
    sys.path.append(str(folder))


def function_at(tree, line):
    """The dotted name of the innermost function or class around a line."""
    names = []
    for node in ast.walk(tree):  # outer ones come first
        if isinstance(node, ast.ClassDef | ast.FunctionDef) and node.lineno <= line <= node.end_lineno:
            names.append(node.name)
    return ".".join(names) or "(module)"


def changed_line(old, new):
    """Number and text of the first line that differs: (1, "a = b", "a = None")."""
    old, new = old.splitlines(), new.splitlines()
    at = next(i for i, (a, b) in enumerate(zip(old, new)) if a != b)
    return at + 1, old[at].strip(), new[at].strip()


def possible(concept):
    """The parsed module of a concept and all edits that mutmut would make in it."""
    making = importlib.import_module("mutmut.mutation.file_mutation")
    path = module(concept, TREE)
    return making.create_mutations(str(path), path.read_text())[:2]


def sample(concept):
    """How many mutants a concept has, and a seeded sample of them: [(Mutant, its source), ...]."""
    with contextlib.chdir(TREE):  # mutmut looks for its settings there
        whole, edits = possible(concept)
    tree, chosen, seen = ast.parse(whole.code), [], Counter()
    order = list(range(len(edits)))
    random.Random(f"{SEED} {concept}").shuffle(order)  # a larger share contains a smaller one
    for index in sorted(order[: math.ceil(SHARE * len(edits))]):
        source = whole.deep_replace(edits[index].original_node, edits[index].mutated_node).code
        line, before, after = changed_line(whole.code, source)
        name = f"{concept}.{function_at(tree, line)}: {before} → {after}"
        seen[name] += 1
        again = f" ({seen[name]})" if seen[name] > 1 else ""
        chosen.append((Mutant(concept, index, line, name + again), source))
    return len(edits), chosen


# --- A trial ---------------------------------------------------------------------------------------------


def meet(paths, *, keep=False):
    """In a forked process: run tests on the copy, and end. `keep` leaves them compiled for the next trial."""
    os.chdir(TREE)
    sys.path.insert(0, str(TREE))
    sys.dont_write_bytecode = not keep
    os.environ["DLCOURSE_ENV"] = "here"  # whatever is started from the copy stays in this environment
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"  # the concepts' tests need none
    for name in [n for n in sys.modules if n.partition(".")[0] in ("dlcourse", "tests", "conftest")]:
        del sys.modules[name]
    hypothesis, pytest = importlib.import_module("hypothesis"), importlib.import_module("pytest")
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)  # a failure need not be made small
    options = {"max_examples": EXAMPLES, "derandomize": True, "database": None, "deadline": None}
    hypothesis.settings.register_profile("mutate", phases=phases, **options)
    hypothesis.settings.load_profile("mutate")
    options = ["-x", "-m", "not slow", "--noconftest", "-p", "no:cacheprovider"]
    options += ["--tb=short" if keep else "--tb=no"]  # a traceback costs more than most trials
    return pytest.main([*options, *paths])


def trial(paths, seconds, *, keep=False):
    """(pytest's exit status, or "timeout"; CPU seconds), from a process that may use so many of them."""
    child = os.fork()
    if not child:
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
            signal.alarm(10 * seconds)  # one that waits uses no CPU
            for stream in (1, 2):
                os.dup2(os.open(TREE.parent / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
            os._exit(int(meet(paths, keep=keep)))
        finally:
            os._exit(70)
    _, status, used = os.wait4(child, 0)
    spent = used.ru_utime + used.ru_stime
    code = os.waitstatus_to_exitcode(status)  # negative: ended by that signal
    return ("timeout" if -code in (signal.SIGXCPU, signal.SIGALRM, signal.SIGKILL) else code), spent


def output():
    """The end of what the last trial printed."""
    return (TREE.parent / "output.txt").read_text()[-1500:]


def judge(status):
    """The verdict on a mutant; an exit status that is not one of tests is an error of this tool."""
    words = {0: "survived", 1: "killed", 2: "killed", -signal.SIGSEGV: "killed", "timeout": "timeout"}
    if status not in words:
        sys.exit(f"pytest ended with {status}:\n{output()}")
    return words[status]


# --- A run -----------------------------------------------------------------------------------------------


def state(*paths):
    """A hash of files of the copy, and of how many examples Hypothesis draws."""
    text = b"".join((TREE / path).read_bytes() for path in paths)
    return hashlib.sha256(text + str(EXAMPLES).encode()).hexdigest()[:16]


def copy():
    """The course as it stands now, away from whoever edits it meanwhile."""
    shutil.rmtree(TREE, ignore_errors=True)
    TREE.mkdir(parents=True)
    ignore = shutil.ignore_patterns("__pycache__")
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, TREE / name, ignore=ignore)
        else:
            shutil.copy(ROOT / name, TREE / name)
    (TREE / "setup.cfg").write_text("[mutmut]\nsource_paths = dlcourse/reference\n")


def remembered():
    """{(concept, state, index): (verdict, state of the common tests)} of earlier runs."""
    rows = [json.loads(line) for line in TRIED.read_text().splitlines()] if TRIED.exists() else []
    return {(row["concept"], row["state"], row["index"]): (row["verdict"], row["common"]) for row in rows}


def run_concept(concept, chosen, known):
    """Verdicts on the chosen mutants of one concept: [(Mutant, verdict), ...]."""
    own, path, verdicts, limit = tests(concept), module(concept, TREE), [], None
    helpers = [f"tests/{name}.py" for name in ("mutants", "parity")]
    stamp, common = state(path, *own, *helpers), state(*COMMON)
    original = path.read_text()
    for mutant, source in chosen:
        verdict, met = known.get((concept, stamp, mutant.index), (None, None))
        if verdict is None or (verdict == "survived" and met != common):
            if limit is None:
                status, seconds = trial([*own, *COMMON], 600, keep=True)
                if status != 0:
                    raise RuntimeError(f"{concept}: its tests fail without a mutant:\n{output()}")
                limit = math.ceil(10 + 5 * seconds)
                for compiled in path.parent.glob(f"__pycache__/{concept}.*"):
                    compiled.unlink()  # two mutants may have the same size and be as old
            path.write_text(source)
            if verdict is None:
                verdict = judge(trial(own, limit)[0])
            if verdict == "survived":
                verdict = judge(trial(COMMON, limit)[0])
            path.write_text(original)
            row = {"concept": concept, "state": stamp, "index": mutant.index}
            with TRIED.open("a") as file:
                file.write(json.dumps(row | {"verdict": verdict, "common": common}) + "\n")
        verdicts.append((mutant, verdict))
        print(f"{len(verdicts):3} of {len(chosen)}  {verdict:8}  {mutant.name}", flush=True)
    return verdicts


def summary(verdicts, made):
    """The result file: counts for each concept, and every survivor."""
    table = {}
    for mutant, verdict in verdicts:
        row = table.setdefault(mutant.concept, {"tried": 0, "killed": 0, "timeout": 0, "survived": 0})
        row["tried"] += 1
        row[verdict] += 1
    survivors = [asdict(mutant) for mutant, v in verdicts if v == "survived"]
    killed = sum(verdict != "survived" for _, verdict in verdicts)
    return {
        "date": datetime.date.today().isoformat(),
        "versions": {name: metadata.version(name) for name in ("numpy", "torch", "hypothesis")} | MAKER,
        "seed": SEED,
        "made": made,
        "tried": len(verdicts),
        "killed": killed,
        "rate": round(killed / len(verdicts), 4),
        "concepts": table,
        "survivors": survivors,
    }


def lines(result):
    """The result as JSON that can be read: one concept and one survivor a line."""
    head = {key: value for key, value in result.items() if key not in ("concepts", "survivors")}
    table = ",\n".join(f"  {json.dumps(name)}: {json.dumps(row)}" for name, row in result["concepts"].items())
    survivors = ",\n".join("  " + json.dumps(row, ensure_ascii=False) for row in result["survivors"])
    start = json.dumps(head, indent=1).removesuffix("\n}")
    return f'{start},\n "concepts": {{\n{table}\n }},\n "survivors": [\n{survivors}\n ]\n}}\n'


def main():
    parser = argparse.ArgumentParser(prog="python -m tools.mutate")
    parser.add_argument("concepts", nargs="*", help="only these, while tests are written; no result is kept")
    wanted = parser.parse_args().concepts or concepts()
    provide_maker()
    for name in LOADED:
        importlib.import_module(name)
    gc.freeze()  # else every trial visits, and so copies, all that is loaded
    copy()
    known, verdicts, made, failing = remembered(), [], 0, []
    for concept in wanted:
        count, chosen = sample(concept)
        made += count
        try:
            verdicts += run_concept(concept, chosen, known)
        except RuntimeError as error:
            failing.append(concept)
            print(error, flush=True)
    result = summary(verdicts, made)
    print(f"{result['killed']} of {result['tried']} mutants killed ({100 * result['rate']:.1f} %)")
    if failing:
        sys.exit(f"Not tried, because their tests fail without a mutant: {', '.join(failing)}")
    if wanted == concepts():
        RESULT.parent.mkdir(exist_ok=True)
        RESULT.write_text(lines(result))


if __name__ == "__main__":
    main()
