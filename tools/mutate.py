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
from pathlib import Path

from tools.environment import ROOT

MAKER = {"mutmut": "3.8.1", "libcst": "1.9.0"}  # apart from the pins: only who runs this task needs them
TREE = ROOT / "build" / "mutation" / "tree"
TRIED = ROOT / "build" / "mutation" / "tried.jsonl"
RESULT = ROOT / "tests" / "results" / "mutation.json"
COPIED = ("dlcourse", "tests", "tools", "conftest.py", "pyproject.toml", "requirements.txt")
SHARE, SEED = 1 / 6, 2026
EXAMPLES = 10  # of Hypothesis, for each property: the same ones in every trial
LOADED = ("numpy", "torch", "hypothesis", "pytest", "nbval.plugin", "PIL.Image", "matplotlib.pyplot")
# The concept's own tests where they do not bear its name. All concepts also meet those of bad input.
TESTS = {
    "checks": ["layer"],
    "gru": ["recurrent"],
    "lstm": ["recurrent"],
    "mlp": ["layer", "sequential", "weights_cross"],
    "positions": ["transformer", "attention"],
    "rnn": ["recurrent"],
    "unfolding": ["convolution", "pooling"],
}


@dataclass(frozen=True)
class Mutant:
    """One edit: in which concept, its number there, its first line, and "gru.GRU.forward: this → that"."""

    concept: str
    index: int
    line: int
    name: str


def concepts():
    return sorted(p.stem for p in (ROOT / "dlcourse" / "reference").glob("*.py") if p.stem != "__init__")


def module(concept, root=ROOT):
    return root / "dlcourse" / "reference" / f"{concept}.py"


def tests(concept):
    return [f"tests/test_{name}.py" for name in [*TESTS.get(concept, [concept]), "bad_input"]]


# --- The mutants -----------------------------------------------------------------------------------------


def provide_maker():
    """Install mutmut beside the environment, behind it on the path: the pins stay what they are."""
    wanted = [f"{name}=={version}" for name, version in MAKER.items()]
    home = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache"))
    folder = home / "dlcourse" / "-".join(["mutmut", MAKER["mutmut"], platform.python_version()])
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
    size = math.ceil(SHARE * len(edits))
    for index in sorted(random.Random(f"{SEED} {concept}").sample(range(len(edits)), size)):
        source = whole.deep_replace(edits[index].original_node, edits[index].mutated_node).code
        line, before, after = changed_line(whole.code, source)
        name = f"{concept}.{function_at(tree, line)}: {before} → {after}"
        seen[name] += 1
        again = f" ({seen[name]})" if seen[name] > 1 else ""
        chosen.append((Mutant(concept, index, line, name + again), source))
    return len(edits), chosen


# --- A trial ---------------------------------------------------------------------------------------------


def meet_tests(concept, *, keep=False):
    """In a forked process: run the concept's tests on the copy, and end. `keep` leaves compiled tests."""
    os.chdir(TREE)
    sys.path.insert(0, str(TREE))
    sys.dont_write_bytecode = not keep
    os.environ["DLCOURSE_ENV"] = "here"  # whatever is started from the copy stays in this environment
    for name in [n for n in sys.modules if n.partition(".")[0] in ("dlcourse", "tests", "conftest")]:
        del sys.modules[name]
    hypothesis, pytest = importlib.import_module("hypothesis"), importlib.import_module("pytest")
    phases = (hypothesis.Phase.explicit, hypothesis.Phase.generate)  # a failure need not be made small
    options = {"max_examples": EXAMPLES, "derandomize": True, "database": None, "deadline": None}
    hypothesis.settings.register_profile("mutate", phases=phases, **options)
    hypothesis.settings.load_profile("mutate")
    return pytest.main(["-x", "-q", "-m", "not slow", "-p", "no:cacheprovider", *tests(concept)])


def trial(concept, seconds, *, keep=False):
    """(pytest's exit status, or "timeout"; CPU seconds), from a process that may use so many of them."""
    child = os.fork()
    if not child:
        try:
            resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 1))
            signal.alarm(10 * seconds)  # one that waits uses no CPU
            for stream in (1, 2):
                os.dup2(os.open(TREE.parent / "output.txt", os.O_WRONLY | os.O_CREAT | os.O_TRUNC), stream)
            os._exit(int(meet_tests(concept, keep=keep)))
        finally:
            os._exit(70)
    _, status, used = os.wait4(child, 0)
    spent = used.ru_utime + used.ru_stime
    return ("timeout" if os.WIFSIGNALED(status) else os.waitstatus_to_exitcode(status)), spent


def output():
    """The end of what the last trial printed."""
    return (TREE.parent / "output.txt").read_text()[-1500:]


def judge(status):
    """The verdict on a mutant; an exit status that is not one of tests is an error of this tool."""
    words = {0: "survived", 1: "killed", 2: "killed", "timeout": "timeout"}
    if status not in words:
        sys.exit(f"pytest ended with {status}:\n{output()}")
    return words[status]


# --- A run -----------------------------------------------------------------------------------------------


def state(concept):
    """A hash of what a verdict depends on above all: the concept's module, its tests and their helpers."""
    files = [module(concept, TREE), *(TREE / name for name in tests(concept))]
    files += [TREE / "tests" / name for name in ("mutants.py", "parity.py")]
    text = b"".join(path.read_bytes() for path in files)
    return hashlib.sha256(text + f"{concept} {EXAMPLES}".encode()).hexdigest()[:16]


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
    """{(state, index): verdict} of earlier runs."""
    lines = TRIED.read_text().splitlines() if TRIED.exists() else []
    rows = map(json.loads, lines)
    return {(row["state"], row["index"]): row["verdict"] for row in rows}


def run_concept(concept, chosen, known):
    """Verdicts on the chosen mutants of one concept: [(Mutant, verdict), ...]."""
    stamp, path, verdicts, limit = state(concept), module(concept, TREE), [], None
    original = path.read_text()
    for mutant, source in chosen:
        verdict = known.get((stamp, mutant.index))
        if verdict is None:
            if limit is None:
                status, seconds = trial(concept, 600, keep=True)
                if status != 0:
                    raise RuntimeError(f"{concept}: its tests fail without a mutant:\n{output()}")
                limit = math.ceil(10 + 5 * seconds)
                for compiled in path.parent.glob(f"__pycache__/{concept}.*"):
                    compiled.unlink()  # two mutants may have the same size and be as old
            path.write_text(source)
            verdict = judge(trial(concept, limit)[0])
            path.write_text(original)
            with TRIED.open("a") as file:
                row = {"state": stamp, "index": mutant.index, "verdict": verdict, "name": mutant.name}
                file.write(json.dumps(row) + "\n")
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
