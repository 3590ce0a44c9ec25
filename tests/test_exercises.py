"""Checks that know mistakes: a right answer passes, a wrong one is told what is wrong, no trick is told ✓."""

import dataclasses
import functools
import json
import shutil
import signal
import subprocess
import sys
import textwrap
import threading

import numpy as np
import pytest

from dlcourse.course import exercises, progress, rust, sources
from dlcourse.course.exercises import CheckFailed, Exercise, Mistake, Outcome, Raises
from dlcourse.course.exercises._values import decode, encode, plain, same
from tests import toy_exercises as toy

CHAPTERS = sources.chapters()
ENTRIES = [entry for entry in exercises.entries() if isinstance(entry, Exercise)]
SOURCES = [(slug, source) for slug in CHAPTERS for source in sources.exercises(sources.read(slug))]


@pytest.fixture(autouse=True)
def private(tmp_path, monkeypatch):
    monkeypatch.setenv("DLCOURSE_HOME", str(tmp_path / "home"))


@pytest.fixture
def toys(tmp_path, monkeypatch):
    """The toy chapter in the place of all others."""
    folder = tmp_path / "chapters"
    folder.mkdir()
    (folder / "toy.py").write_text("from tests.toy_exercises import ENTRIES\n")
    monkeypatch.setattr(exercises, "__path__", [str(folder)])
    yield
    sys.modules.pop("dlcourse.course.exercises.toy", None)


def student(code, name):
    """What a notebook's cell defines."""
    namespace = {"__name__": "__main__", "np": np}
    exec(textwrap.dedent(code), namespace)  # noqa: S102 - as a kernel does
    return namespace[name]


def told(exercise, code):
    """What the author of `def <name>` in the code is told."""
    result = exercises.verdict(exercise, student(code, exercise.name))
    assert not result.passed and result.text.startswith(f"✗ {exercise.name}: ")
    return result.text


# --- A right answer ---------------------------------------------------------------------------------------


def test_a_right_answer_gets_the_same_words_every_time_and_is_remembered(toys, capsys):
    for _ in range(2):
        assert exercises.check("mean", lambda x: x.mean()) is None
        out, err = capsys.readouterr()
        assert (out, err) == ("✓ mean: right in all 3 cases\n", "")
    assert progress.load() == {"mean": {"tries": 2, "solved": True, "hints": 0}}


@pytest.mark.parametrize(
    "answer",
    [
        lambda x: np.float32(x.mean()),
        lambda x: np.array(x.mean()),
        functools.partial(np.ndarray.mean),
        lambda x: print("debugging", x) or sum(x.tolist()) / len(x),
    ],
)
def test_equivalent_answers_pass(answer):
    exercise = dataclasses.replace(toy.mean, rtol=1e-5)
    assert exercises.verdict(exercise, answer).passed


def test_lists_count_as_arrays_and_tensors_too():
    assert exercises.verdict(toy.double, lambda x: (2 * x).tolist()).passed
    torch = pytest.importorskip("torch")
    assert exercises.verdict(toy.double, lambda x: 2 * torch.tensor(x)).passed


def test_warnings_and_prints_of_a_right_answer_stay_quiet(toys, capfd):
    def mean(x):
        print("to stderr", file=sys.stderr)
        return float(x.mean() + 0 * np.log(np.zeros(1))[0]) if len(x) == 0 else float(x.mean())

    exercises.check("mean", mean)
    assert capfd.readouterr().err == ""


def test_the_check_works_off_the_main_thread(toys):
    results = []
    thread = threading.Thread(target=lambda: results.append(exercises.verdict(toy.mean, lambda x: x.mean())))
    thread.start()
    thread.join()
    assert results[0].passed


# --- A wrong one ------------------------------------------------------------------------------------------


def test_the_stub_is_told_how_to_begin(toys):
    text = told(toy.mean, "def mean(x):\n    # YOUR CODE HERE\n    raise NotImplementedError()")
    assert "not solved yet (about 3 min)" in text and 'hint("mean")' in text


@pytest.mark.parametrize("exercise", [toy.mean, toy.double], ids=lambda e: e.name)
def test_each_mistake_gets_its_diagnosis(exercise):
    for mistake in exercise.mistakes:
        result = exercises.verdict(exercise, doing(mistake))
        assert (result.passed, result.mistake) == (False, mistake.name)
        assert mistake.says in result.text.splitlines()[0]


def doing(mistake):
    def answer(*case):
        value = mistake.value(case)
        if isinstance(value, Raises):
            raise {"ZeroDivisionError": ZeroDivisionError}[value.error]("division by zero")
        return value

    return answer


def test_an_unknown_mistake_shows_the_smallest_failing_case():
    text = told(toy.mean, "def mean(x):\n    return float(x.max())")
    assert "smallest failing case: mean([1.0, 2.0, 6.0])" in text
    assert "expected: 3.0" in text and "yours:    6.0" in text and "read: Averages" in text


def test_a_mistake_is_named_only_if_it_explains_every_case():
    sometimes = "def mean(x):\n    return float(x.sum()) if len(x) == 3 else float(x.mean())"
    assert exercises.verdict(toy.mean, student(sometimes, "mean")).mistake is None


WRONG = {
    "returns nothing": ("pass", "your function returned None: is a `return` missing?"),
    "prints": ("print(x.mean())", "printed its result and returned None"),
    "NaN": ("return float('nan')", "your result is NaN"),
    "a text": ("return '3'", "expected a float (4.0), got a text"),
    "an array": ("return x", "expected a float (4.0), got an array of shape (1,)"),
    "a truth value": ("return True", "got True or False"),
    "infinite": ("return float('inf')", "expected 4.0, got inf"),
    "raises": ("return x[99]", "your code raised IndexError: index 99 is out of bounds"),
    "an instance": ("return object()", "an object of type object"),
    "a generator": ("return (i for i in x)", "an object of type generator"),
    "exits": ("raise SystemExit", "your code raised SystemExit"),
    "recursion": ("return mean(x)", "your code raised RecursionError"),
    "a huge number": ("return 10 ** 10000", "a whole number of"),
    "a list in itself": ("y = []; y.append(y); return y", "nested deeper than 20"),
    "many items": ("return [0] * 2_000_000", "more than 1,000,000 items"),
    "a huge array": ("return np.zeros((4000, 4000), dtype=bool)", "an array of 16,000,000 elements"),
    "an object array": ("return np.array([None])", "an array of dtype object"),
    "a broken message": ("class E(Exception):\n  def __str__(self): 1 / 0\n raise E", "cannot be shown"),
}


@pytest.mark.parametrize("body, words", WRONG.values(), ids=WRONG.keys())
def test_wrong_answers_are_told_what_is_wrong(body, words):
    assert words in told(toy.mean, "def mean(x):\n " + body)


WRONG_ARRAYS = {
    "shape": ("return 2 * x[0]", "expected shape (1, 2), got (2,)"),
    "dtype": ("return (2 * x).astype(int)", "expected an array of floats, got integers (int64)"),
    "NaN": ("y = 2 * x; y[0, 1] = np.nan; return y", "your result has a NaN at [0, 1]"),
    "one value": (
        "y = 2 * x; y[-1, -1] += 1; return y",
        "1 of 2 values differ; at [0, 1] expected 4.0, got 5.0",
    ),
    "ragged": ("return [[1.0], [2.0, 3.0]]", "a list with rows of different lengths"),
    "in place": ("x *= 2; return x", "your function changed its argument: work on a copy"),
    "a subclass": ("return np.matrix(2 * x)", "an object of type matrix"),
}


@pytest.mark.parametrize("body, words", WRONG_ARRAYS.values(), ids=WRONG_ARRAYS.keys())
def test_wrong_arrays_are_told_what_is_wrong(body, words):
    assert words in told(toy.double, "def double(x):\n " + body)


def test_an_answer_may_change_its_arguments_where_that_is_asked():
    exercise = dataclasses.replace(toy.double, mutates=True)
    assert exercises.verdict(exercise, student("def double(x):\n x *= 2; return x", "double")).passed


@pytest.mark.parametrize(
    "answer, words",
    [
        (int, "expected a function, got the class int"),
        (3.0, "expected a function, got an object of type float: pass the function itself"),
        (np.mean, "this function comes from numpy: the exercise asks for your own"),
        (np.exp, "this function comes from numpy"),
        (sum, "this function comes from builtins"),
        (sources.read, "this function comes from dlcourse"),
    ],
)
def test_what_is_no_answer_is_refused(answer, words):
    assert words in exercises.verdict(toy.mean, answer).text


def test_a_class_is_taken_where_one_is_asked_for():
    exercise = dataclasses.replace(toy.mean, wants="class", call=lambda answer, case: answer().mean(*case))
    good = "class mean:\n def mean(self, x): return float(x.mean())"
    assert exercises.verdict(exercise, student(good, "mean")).passed
    assert "expected a class" in exercises.verdict(exercise, lambda x: x).text


def test_a_value_can_be_the_answer():
    call = lambda weights, case: float(np.dot(weights, case[0][: len(weights)]))  # noqa: E731
    exercise = dataclasses.replace(
        toy.mean, wants="value", call=call, expected=lambda case: float(case[0][0])
    )
    assert exercises.verdict(exercise, [1.0]).passed
    assert "expected 4.0, got 8.0" in exercises.verdict(exercise, [2.0]).text
    assert "your code raised TypeError" in exercises.verdict(exercise, None).text


def test_long_values_are_shown_in_few_lines():
    exercise = dataclasses.replace(toy.double, cases=lambda rng: [(rng.normal(size=(40, 30)),)])
    text = exercises.verdict(exercise, lambda x: x + 1).text
    assert len(text.splitlines()) < 30 and max(map(len, text.splitlines())) < 220


# --- Tricks -----------------------------------------------------------------------------------------------

ALWAYS_EQUAL = """
class Yes({base}):
    def __hash__(self): return 0
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __array__(self, *args, **kwargs): return np.array(3.0)
    def __sub__(self, other): return 0.0
    __rsub__ = __sub__
    def __abs__(self): return 0.0
    def __le__(self, other): return True

def mean(x):
    return {value}
"""


@pytest.mark.parametrize(
    "base, value",
    [
        ("object", "Yes()"),
        ("float", "Yes(1)"),
        ("np.ndarray", "np.zeros(()).view(Yes)"),
        ("list", "[Yes()]"),
        ("int", "{1: Yes()}"),
        ("str", "{Yes(): 1}"),
    ],
)
def test_objects_that_equal_everything_are_refused(base, value):
    text = told(toy.mean, ALWAYS_EQUAL.format(base=base, value=value))
    assert "type Yes" in text


def test_a_patched_numpy_changes_no_verdict(monkeypatch):
    def mean(x):
        for name in ("allclose", "isclose", "array_equal", "all", "any", "abs", "isnan"):
            monkeypatch.setattr(np, name, lambda *args, **kwargs: True)
        monkeypatch.setattr(np, "mean", lambda *args, **kwargs: 0.0)
        return 0.0

    patched = dataclasses.replace(toy.mean, expected=lambda case: float(np.mean(case[0])))
    assert not exercises.verdict(patched, mean).passed


def test_an_answer_cannot_reach_the_judge_through_its_argument():
    exercise = dataclasses.replace(toy.mean, expected=lambda case: float(case[0].sum()))
    assert not exercises.verdict(exercise, student("def mean(x):\n x[:] = 0\n return 0.0", "mean")).passed


LOOPS = {
    "plain": "while True: pass",
    "swallows Exception": "while True:\n  try:\n   x = x + 0\n  except Exception:\n   pass",
    "swallows everything": "while True:\n  try:\n   x = x + 0\n  except:\n   pass",
    "prints": "while True: print('.' * 1000)",
}


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="no time limit on this system")
@pytest.mark.parametrize("body", LOOPS.values(), ids=LOOPS.keys())
def test_an_endless_loop_is_stopped(body):
    assert "no result after 0.5 s" in told(toy.mean, "def mean(x):\n " + body)


def test_ctrl_c_still_interrupts():
    with pytest.raises(KeyboardInterrupt):
        exercises.verdict(toy.mean, student("def mean(x):\n raise KeyboardInterrupt", "mean"))


# --- The words around it ----------------------------------------------------------------------------------


def test_failing_raises_a_message_without_a_traceback(toys, capsys):
    with pytest.raises(CheckFailed) as failure:
        exercises.check("mean", lambda x: float(x.sum()))
    assert failure.value._render_traceback_()[0] == "✗ mean: this is the sum"
    assert capsys.readouterr() == ("", "")
    assert progress.load()["mean"] == {"tries": 1, "solved": False, "hints": 0}


def test_the_line_of_an_exception_is_named(tmp_path):
    cell = tmp_path / "cell.py"
    cell.write_text("def mean(x):\n    n = 0\n    return x.total + n\n")
    namespace = {"__name__": "__main__"}
    exec(compile(cell.read_text(), cell, "exec"), namespace)  # noqa: S102 - as a kernel does
    text = exercises.verdict(toy.mean, namespace["mean"]).text
    assert "in line 3 of your cell: return x.total + n" in text


def test_names_are_suggested(toys):
    with pytest.raises(ValueError, match="got 'maen'; did you mean 'mean'"):
        exercises.check("maen", lambda x: x)
    with pytest.raises(CheckFailed, match=r'expected your answer as well: check\("mean", mean\)'):
        exercises.check("mean")


def test_three_hints_then_all_of_them(toys, capsys):
    for number, text in enumerate(toy.HINTS, 1):
        exercises.hint("mean")
        assert capsys.readouterr().out == f"Hint {number} of 3 for mean: {text}\n"
    exercises.hint("mean")
    assert capsys.readouterr().out.count("Hint") == 3


def test_about_is_one_line(toys, capsys):
    exercises.about("mean")
    assert (
        capsys.readouterr().out == "mean: ●○○ warm-up · 3 minutes · textbook exercise B5.3; read Averages\n"
    )


def test_a_disk_that_is_full_fails_no_right_answer(toys, monkeypatch, capsys):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(progress, "save", full)
    exercises.check("mean", lambda x: x.mean())
    assert "✓ mean" in (out := capsys.readouterr().out) and "not saved: No space left" in out


@pytest.mark.parametrize(
    "change, words",
    [
        ({"difficulty": 4}, "expected difficulty 1, 2 or 3, got 4"),
        ({"minutes": 0}, "expected minutes above 0"),
        ({"hints": ("one",)}, "expected 3 hints, got 1"),
        ({"wants": "magic"}, "expected wants in"),
        ({"language": "rust"}, "expected a program"),
        ({"name": "two words"}, "expected a name of letters"),
        ({"name": "not-rust", "language": "rust", "program": str}, "to be an identifier"),
    ],
)
def test_incomplete_entries_are_refused(change, words):
    with pytest.raises(ValueError, match=words):
        dataclasses.replace(toy.mean, **change)


def test_outcomes_can_be_judged_in_another_process():
    exercise, cases = toy.double, exercises.cases_of(toy.double, seed=5)
    for answer, passed in ((lambda x: 2 * x, True), (lambda x: x**2, False), (lambda x: None, False)):
        sent = json.loads(json.dumps(exercises.to_json(exercises.outcomes(exercise, answer, cases))))
        assert exercises.judge(exercise, exercises.from_json(sent), cases).passed is passed


def test_values_survive_json():
    value = {
        "a": [1, 2.5, None, True],
        3: (np.eye(2), np.array([1 + 2j]), "text"),
        "nan": float("nan"),
        "c": 1j,
    }
    again = decode(json.loads(json.dumps(encode(value))))
    assert same(value, again) and again[3][0].dtype == float
    with pytest.raises(ValueError, match="expected an encoded value"):
        decode({"surprise": 1})


def test_a_grader_cannot_be_sent_too_few_results():
    cases = exercises.cases_of(toy.mean)
    assert "expected 3 results, got 1" in exercises.judge(toy.mean, [1.0], cases).text


# --- Rust -------------------------------------------------------------------------------------------------

HAS_RUST = shutil.which("rustc") is not None
needs_rust = pytest.mark.skipif(not HAS_RUST, reason="no rustc on this machine")


@needs_rust
@pytest.mark.parametrize(
    "body, words",
    [
        ("n + 1", "✓ grow: right in all 2 cases"),
        ("n", "✗ grow: nothing has grown"),
        ("todo!()", "not solved yet"),
        ('panic!("no idea")', "your code panicked in line 1 of your cell: no idea"),
        ("n + ", "rustc rejects your cell"),
        ("loop {}", "did not finish within 2 s"),
        ("std::process::exit(0)", "ended without a result"),
        ('{ println!("[2, 21]"); n }', "nothing has grown"),
    ],
)
def test_rust_answers(body, words):
    result = exercises.verdict(toy.grow, f"fn grow(n: i64) -> i64 {{ {body} }}")
    assert words in result.text and result.passed is words.startswith("✓")


@needs_rust
def test_rust_cells_that_cannot_be_checked(toys):
    assert "leave it out" in exercises.verdict(toy.grow, "fn grow(n: i64) -> i64 { n }\nfn main() {}").text
    with pytest.raises(CheckFailed, match="run the cell that starts with `%%rust --lib grow` first"):
        exercises.check("grow")


def test_without_rust_a_check_says_how_to_get_it(toys, monkeypatch, capsys):
    def missing():
        raise rust.RustMissing

    monkeypatch.setattr(rust, "rustc_version", missing)
    exercises.check("grow")
    assert "not checked. Rust is not installed" in capsys.readouterr().out
    assert progress.load() == {}


# --- Every exercise of the course -------------------------------------------------------------------------


HOLES = """
import ctypes
import numpy as np
from dlcourse.course import exercises
ctypes.CDLL(None).mallopt(-3, 32 << 20)  # blocks below 32 MiB come from the heap
blocks = [np.ones(20_000_000, np.uint8) for _ in range(8)]
pin = np.ones(5_000_000, np.uint8)  # keeps the heap from shrinking
del blocks
def rss_trace(size, read):
    def scope():
        data = np.ones(size, np.uint8)
        return read()
    return [read(), scope(), read()]
print(exercises.verdict(exercises.entry("rss_trace"), rss_trace).text)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs glibc")
def test_memory_is_traced_also_where_an_earlier_array_has_left_its_pages():
    answer = subprocess.run([sys.executable, "-c", HOLES], capture_output=True, text=True)
    assert "✓ rss_trace" in answer.stdout, answer.stdout + answer.stderr


def test_entries_cost_no_torch():
    code = "import sys, dlcourse.course.exercises as e; e.entries(); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "False\n"


@pytest.mark.parametrize("slug", CHAPTERS)
def test_entries_and_chapter_name_the_same_exercises(slug):
    known = {e.name: e.language for e in exercises.entries(slug) if isinstance(e, Exercise)}
    assert known and known == {source.name: source.language for s, source in SOURCES if s == slug}


def test_names_are_unique_and_every_file_belongs_to_a_chapter():
    assert len({entry.name for entry in exercises.entries()}) == len(exercises.entries())
    slugs = [path.stem for path in (sources.ROOT / "notebooks").glob("*.md")]
    assert {exercises.chapter_of(entry.name) for entry in ENTRIES} <= {
        slug.partition("_")[2] for slug in slugs
    }


@functools.cache
def setup(slug):
    """What the chapter's set-up cells define, magics apart."""
    cells = [c for c in sources.read(slug).cells if c.cell_type == "code" and "setup" in sources.tags(c)]
    lines = [line for cell in cells for line in cell.source.splitlines() if not line.lstrip().startswith("%")]
    namespace = {"__name__": "__main__"}
    exec("\n".join(lines), namespace)  # noqa: S102 - the chapter's own code
    return namespace


def run_cells(slug, source, answer):
    """Run the solution cell with this answer, then the check, as the notebook does."""
    if source.language == "rust":
        first, _, program = answer.partition("\n")
        assert first.split()[:3] == ["%%rust", "--lib", source.name]
        result = exercises.verdict(exercises.entry(source.name), program)
        if not result.passed:
            raise CheckFailed(result.text)
        return
    namespace = dict(setup(slug))
    exec(answer, namespace)  # noqa: S102 - the chapter's own code
    exec(source.check, namespace)  # noqa: S102


def each(values):
    return pytest.mark.parametrize("slug, source", values, ids=[source.name for _, source in values])


def skip_without_rust(language):
    if language == "rust" and not HAS_RUST:
        pytest.skip("no rustc on this machine")


@each(SOURCES)
def test_the_solution_passes(slug, source):
    skip_without_rust(source.language)
    run_cells(slug, source, sources.solved(source.solution))


@each(SOURCES)
def test_the_stub_fails_as_designed(slug, source):
    skip_without_rust(source.language)
    with pytest.raises((CheckFailed, NotImplementedError)) as failure:
        run_cells(slug, source, sources.stub(source.solution))
    assert failure.type is NotImplementedError or "not solved yet" in str(failure.value)


def outcome(value):
    return (
        Outcome(problem="raised", error=value.error)
        if isinstance(value, Raises)
        else Outcome(value=plain(value))
    )


def diagnosis(exercise, mistake):
    cases = exercises.cases_of(exercise)
    values = [mistake.value(case) for case in exercises.cases_of(exercise)]
    return exercises.judge(exercise, [outcome(value) for value in values], cases)


def test_every_mistake_is_told_from_the_others():
    """Prints the table exercise x mistake x diagnosis (`pytest -s` shows it)."""
    wrong = []
    for exercise in ENTRIES:
        assert len(exercise.mistakes) >= 3, f"{exercise.name} knows {len(exercise.mistakes)} mistakes"
        for mistake in exercise.mistakes:
            found = diagnosis(exercise, mistake)
            print(f"{exercise.name:20} {mistake.name:22} {found.text.splitlines()[0]}")
            if found.mistake != mistake.name:
                wrong.append((exercise.name, mistake.name, found.mistake))
    print(f"{len(ENTRIES)} exercises, {sum(len(e.mistakes) for e in ENTRIES)} mistakes")
    assert not wrong


def test_a_mistake_that_is_none_is_noticed():
    """Breaks what the test above guards: this "mistake" returns the right values."""
    harmless = Mistake(name="none", value=toy.mean.expected, says="never said")
    exercise = dataclasses.replace(toy.mean, mistakes=(*toy.mean.mistakes, harmless))
    assert diagnosis(exercise, harmless).mistake != "none"


@pytest.mark.parametrize("exercise", ENTRIES, ids=lambda e: e.name)
def test_cases_do_not_depend_on_the_call(exercise):
    def written():
        right = [exercise.expected(case) for case in exercises.cases_of(exercise)]
        return json.dumps(exercises.to_json([outcome(value) for value in right]))

    assert written() == written()
