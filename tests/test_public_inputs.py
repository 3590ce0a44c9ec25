"""Every public function: valid input in any layout gives torch's numbers, spoiled input the named error.

An error counts as named if the library raised it on purpose, and its words say who expected what.
"""

import contextlib
import importlib
import inspect
import linecache
import pkgutil
import re
import traceback
import warnings

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

import dlcourse.autodiff
import dlcourse.data
import dlcourse.pytorch
import dlcourse.reference
from tests.parity import assert_close, assert_like_torch
from tests.public_entries import ELSEWHERE, ENTRIES, MODELS
from tests.public_inputs import LEADING, SIZES, Array, Plain

MODULES = ["dlcourse.training", "dlcourse.checkpoint", "dlcourse.serving"]
for package in (dlcourse.reference, dlcourse.autodiff, dlcourse.data, dlcourse.pytorch):
    MODULES += [f"{package.__name__}.{module.name}" for module in pkgutil.iter_modules(package.__path__)]
LAYOUTS = {
    "as it is": np.array,
    "Fortran order": lambda a: np.asfortranarray(a) if a.ndim else a,
    "every other": lambda a: np.repeat(a, 2, axis=-1)[..., ::2] if a.ndim else a,
    "backwards": lambda a: np.ascontiguousarray(a[..., ::-1])[..., ::-1] if a.ndim else a,
    "swapped bytes": lambda a: a.astype(a.dtype.newbyteorder()),
}


def key(thing):
    """module.function or module.Class.method; the twins on torch begin with pytorch."""
    _, *package, module = thing.__module__.split(".")
    return ".".join([*(part for part in package if part == "pytorch"), module, thing.__qualname__])


ALL = pytest.mark.parametrize("entry", ENTRIES, ids=[key(entry.name) for entry in ENTRIES])
MANY = pytest.mark.parametrize("examples", [12, pytest.param(100, marks=pytest.mark.slow)])
WITH_ARRAYS = [e for e in ENTRIES if any(isinstance(kind, Array) for kind in e.inputs.values())]
DRAWN = pytest.mark.parametrize("entry", WITH_ARRAYS, ids=[key(e.name) for e in WITH_ARRAYS])


def public_names():
    """Every function, class and method of the library whose name does not begin with an underscore."""
    for name in MODULES:
        for thing in vars(importlib.import_module(name)).values():
            known = inspect.isfunction(thing) or inspect.isclass(thing)
            if known and thing.__module__ == name and not thing.__name__.startswith("_"):
                yield key(thing)
                yield from public_methods(thing)


def public_methods(thing):
    """The methods that take something, calls and brackets too; forward and backward belong to the class."""
    for name, method in vars(thing).items() if inspect.isclass(thing) else ():
        public = not name.startswith("_") or name in ("__call__", "__getitem__", "__array_ufunc__")
        method_of_its_own = public and inspect.isfunction(method) and name not in ("forward", "backward")
        if method_of_its_own and len(inspect.signature(method).parameters) > 1:
            yield key(method)


def test_no_public_name_is_forgotten():
    elsewhere = " ".join(ELSEWHERE.values()).split()
    entries = [key(entry.name) for entry in ENTRIES]
    known = entries + elsewhere
    assert set(public_names()) ^ set(known) == set() and len(known) == len(set(known))


@ALL
def test_no_argument_is_forgotten(entry):
    if entry.run:
        return  # called by other arguments than its own
    parts = [(entry.name, entry.inputs | ({"self": None} if entry.of else {}))]
    if isinstance(entry.name, type):
        parts = [(entry.name, entry.make), (entry.name.forward, {"self": None} | entry.inputs)]
    for function, arguments in parts:
        parameters = inspect.signature(function).parameters
        assert set(arguments) == set(parameters) - {"params"}, function  # what Layer itself keeps


def flat(result):
    """All arrays in a result, in order."""
    if isinstance(result, dict):
        return [array for name in sorted(result) for array in flat(result[name])]
    if isinstance(result, list | tuple):
        return [array for part in result for array in flat(part)]
    return [] if result is None else [np.asarray(result)]


def twos(entry):
    """Two of everything, or the least that is valid."""
    return {letter: max(2, entry.least.get(letter, 2)) for letter in entry.letters()} | {"...": (2,)}


def drawn_sizes(entry):
    letters = {
        letter: st.sampled_from([s for s in SIZES if s >= entry.least.get(letter, 1)])
        for letter in entry.letters()
    }
    return st.fixed_dictionaries(letters | {"...": st.sampled_from(LEADING)})


@ALL
def test_valid_input_is_accepted(entry):
    entry(*entry.draw(twos(entry), 0))


@MANY
@DRAWN
def test_valid_input_in_any_layout(entry, examples):
    """Layout, order of bytes and a lock on writing change nothing, and what came in stays as it was."""

    @settings(max_examples=examples, deadline=None, derandomize=True, database=None)
    @given(drawn_sizes(entry), st.integers(0, 99), st.sampled_from(list(LAYOUTS)))
    def any_layout(sizes, seed, layout):
        made, given = entry.draw(sizes, seed)
        expected = flat(entry(made, given))
        made, _ = entry.draw(sizes, seed)  # generators begin again
        laid = {n: LAYOUTS[layout](a) if isinstance(a, np.ndarray) else a for n, a in given.items()}
        before = {name: np.array(a) for name, a in laid.items() if isinstance(a, np.ndarray)}
        for name in before:
            laid[name].flags.writeable = key(entry.name) == "gradcheck.numerical_gradient"
        for generator in (n for n, v in given.items() if isinstance(v, np.random.Generator)):
            laid[generator] = entry.draw(sizes, seed)[1][generator]
        found = flat(entry(made, laid))
        assert len(found) == len(expected)
        for got, wanted in zip(found, expected):
            if wanted.dtype.kind == "f":
                assert got.shape == wanted.shape
                np.testing.assert_allclose(got, wanted, rtol=1e-9, atol=1e-12)
            else:
                assert np.array_equal(got, wanted)
        assert all(np.array_equal(laid[name], array) for name, array in before.items())

    any_layout()


@MANY
@pytest.mark.parametrize(
    "entry", [e for e in WITH_ARRAYS if e.twin], ids=[key(e.name) for e in WITH_ARRAYS if e.twin]
)
def test_valid_input_agrees_with_torch(entry, examples):
    @settings(max_examples=examples, deadline=None, derandomize=True, database=None)
    @given(drawn_sizes(entry), st.integers(0, 99))
    def agrees(sizes, seed):
        made, given = entry.draw(sizes, seed)
        if not isinstance(entry.name, type) or entry.run:
            for got, wanted in zip(flat(entry(made, given)), flat(entry.twin(*given.values())), strict=True):
                assert_close(got, wanted)
            return
        arrays = [value for value in given.values() if isinstance(value, np.ndarray)]
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)
            assert_like_torch(entry.name(**made), entry.twin(), *arrays, rng=np.random.default_rng(seed))

    torch.manual_seed(0)
    agrees()


def test_every_name_that_torch_has_is_compared_with_it():
    exported = {key(getattr(dlcourse.reference, n)) for n in dlcourse.reference.__all__ if n != "init"}
    compared = {key(entry.name) for entry in ENTRIES if entry.twin}
    assert exported - compared == {
        "attention.causal_mask",  # a triangle
        "layer.Layer",
        "optim.Adam",  # step by step in test_optim
        "optim.AdamW",
        "optim.RMSprop",
        "optim.SGD",
        "optim.clip_grad_norm",
        "perceptron.Perceptron",  # torch has none
        "positions.LearnedPositions",  # within the models
        "positions.SinusoidalPositions",
        "sequential.Sequential",  # within the models
    }


# --- Spoiled input ---------------------------------------------------------------------------------------


def raised_on_purpose(error):
    """Whether the innermost frame is the library's and stands at a `raise`."""
    frame = traceback.extract_tb(error.__traceback__)[-1]
    line = linecache.getline(frame.filename, frame.lineno).strip()
    return "/dlcourse/" in frame.filename.replace("\\", "/") and line.startswith("raise ")


def refused(entry, made, given, errors):
    """What is wrong with the way in which the call is refused; empty if nothing is."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        try:
            result = entry(made, given)
        except errors as error:
            if not raised_on_purpose(error):
                return f"not raised on purpose: {type(error).__name__}: {error}"
            if not re.match(r"\w+(\(.*\))?: .*expected .* got ", str(error), re.DOTALL):
                return f"says not who expected what: {error}"
            return ""
        except Exception as error:
            return f"{type(error).__name__}: {error}"
    return f"accepted: {str(result)[:60]!r}"


def ways_to_spoil(entry):
    """(argument, what is wrong, arguments to make it, arguments to call it, errors)."""
    sizes = twos(entry)
    for part, kinds in enumerate((entry.make, entry.inputs)):
        for name, kind in kinds.items():
            for what, value, errors in kind.spoiled(entry.draw(sizes, 0)[part][name]):
                arguments = entry.draw(sizes, 0)
                arguments[part][name] = value
                yield name, what, *arguments, errors


@ALL
def test_spoiled_input_is_refused_in_words(entry):
    problems = []
    for name, what, made, called, errors in ways_to_spoil(entry):
        if problem := refused(entry, made, called, errors):
            problems.append(f"{name}, {what}: {problem}")
    assert not problems, "\n".join([key(entry.name), *problems])


def twin(entry):
    """The class of the same name on torch."""
    place = (
        dlcourse.pytorch if hasattr(dlcourse.pytorch, entry.name.__name__) else dlcourse.pytorch.transformer
    )
    return getattr(place, entry.name.__name__)


def make_twin(entry, made):
    """The twin in float64, made of its share of the arguments; torch has its own dtypes."""
    names = inspect.signature(twin(entry)).parameters
    return twin(entry)(**{n: made[n] for n in names if n in made and n != "dtype"}).double().eval()


ON_TORCH = pytest.mark.parametrize("entry", MODELS, ids=[key(twin(e)) for e in MODELS])


@ON_TORCH
def test_the_twin_refuses_in_words_what_it_cannot_be_made_of(entry):
    names, problems = inspect.signature(twin(entry)).parameters.keys() - {"dtype"}, []
    for name, what, made, called, errors in ways_to_spoil(entry):
        if name not in entry.make.keys() & names:
            continue
        if problem := refused(lambda made, _: make_twin(entry, made), made, called, errors):
            problems.append(f"{name}, {what}: {problem}")
    assert not problems, "\n".join([key(twin(entry)), *problems])


TORCH_RAISES = TypeError, ValueError, RuntimeError, IndexError, AttributeError, AssertionError


@ON_TORCH
def test_the_twin_makes_no_number_of_what_is_spoiled(entry):
    """Torch says so in its own words; what is masked whole becomes NaN, which nobody takes for a number."""
    made, given = entry.draw(twos(entry), 0)
    model = make_twin(entry, made)
    accepted = []

    def call(given):
        return model(*[None if value is None else torch.as_tensor(value) for value in given.values()])

    assert call(given).isfinite().all()
    for name, what, _, called, _ in ways_to_spoil(entry):
        if name in entry.inputs:
            with contextlib.suppress(*TORCH_RAISES):
                if not call(called).isnan().any():
                    accepted.append(f"{name}, {what}")
    assert not accepted, "\n".join([key(twin(entry)), *accepted])


@DRAWN
def test_no_elements_are_computed_or_refused(entry):
    """Without rows the result is empty, or the error is named: no warning, no number out of nothing."""
    for empty in [*entry.letters(), "..."]:
        without = twos(entry) | {empty: (0,) if empty == "..." else 0}
        if not any(isinstance(a, np.ndarray) and a.size == 0 for a in entry.draw(without, 0)[1].values()):
            continue
        problem = refused(entry, *entry.draw(without, 0), (ValueError, TypeError))
        if problem.startswith("accepted"):
            arrays = flat(entry(*entry.draw(without, 0)))
            assert all(np.isfinite(a).all() for a in arrays if a.dtype.kind == "f"), f"{empty}: {arrays}"
            problem = "accepted" if empty in entry.not_empty else ""
        assert not problem, f"{key(entry.name)}, {empty} = 0: {problem}"


# --- The test itself ---------------------------------------------------------------------------------------


def test_the_judge_tells_a_named_error_from_a_raw_one():
    def raw(x):
        return np.zeros(3) @ np.zeros(4)

    def silent(x):
        return 1.0

    def late(x):
        raise ValueError("late: expected something, got nothing")  # not in the library

    for function in (raw, silent, late):
        assert refused(lambda made, given, f=function: f(given), {}, 0, ValueError)
    linear = next(entry for entry in ENTRIES if entry.name is dlcourse.reference.Linear)
    made, given = linear.draw({"...": (2,)}, 0)
    assert refused(linear, made, given, ValueError).startswith("accepted")
    assert refused(linear, made, {"x": np.zeros(4)}, ValueError) == ""
    assert not list(Plain(1).spoiled(1))
