"""The words of an error: who refused is a name of the library, and what is wrong is one of its arguments.

The spoiled inputs are those of test_public_inputs, which asks that each is refused at all; here, that a
reader who sees the message finds the argument in the documentation.
"""

import importlib
import inspect
import pkgutil
import re
import warnings

import numpy as np
import pytest

import dlcourse.reference
from tests.public_entries import ENTRIES
from tests.test_public_inputs import key, ways_to_spoil

OF_REFERENCE = [entry for entry in ENTRIES if entry.name.__module__.startswith("dlcourse.reference")]
SHAPE = re.compile(r" of shape \((.*)\)$")
MESSAGE = re.compile(r"(\w+)(?:\(.*?\))?: expected (.*?),? got ", re.DOTALL)


def named():
    """{name: function or class} of all that can refuse in dlcourse.reference; init, whose functions do."""
    found = {"init": dlcourse.reference.init}
    for info in pkgutil.iter_modules(dlcourse.reference.__path__):
        module = importlib.import_module(f"dlcourse.reference.{info.name}")
        found |= {name: thing for name, thing in vars(module).items() if callable(thing)}
    return found


NAMED = named()


def arguments(thing):
    """All names of arguments of a function, or of the functions of a class or module."""
    functions = [f for _, f in inspect.getmembers(thing, inspect.isfunction)] or [thing]
    return {name for function in functions for name in inspect.signature(function).parameters}


def documented(thing):
    """The words written about a function or class, its bases and methods."""
    parts = [base.__doc__ or "" for base in getattr(thing, "__mro__", [thing])]
    parts += [f.__doc__ or "" for _, f in inspect.getmembers(thing, inspect.isfunction)]
    return set(re.findall(r"\w+", " ".join(parts)))


def unclear(message):
    """What in the words of an error leads nowhere; empty if nothing does."""
    if not (match := MESSAGE.match(message)):
        return "says not who expected what"
    owner, expected = match.groups()
    if owner not in NAMED:
        return f"{owner} is no name of the library"
    known = arguments(NAMED[owner])
    if not known & set(re.findall(r"\w+", expected)):
        return f"none of the arguments {sorted(known)} is named"
    shape = SHAPE.search(expected)
    letters = {part for part in re.findall(r"[^\W\d]\w*", shape[1] if shape else "")}
    if unknown := letters - documented(NAMED[owner]):
        return f"{sorted(unknown)} stand in no documentation of {owner}"
    return ""


@pytest.mark.parametrize("entry", OF_REFERENCE, ids=[key(entry.name) for entry in OF_REFERENCE])
def test_an_error_names_who_expected_which_argument(entry):
    problems = set()
    for name, what, made, called, errors in ways_to_spoil(entry):
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                entry(made, called)
            except errors as error:
                if problem := unclear(str(error)):
                    problems.add(f"{name}, {what}: {problem}: {error}")
    assert not problems, "\n".join(sorted(problems))


def test_a_wrong_mask_is_refused_by_the_layer_that_got_it():
    layer = dlcourse.reference.MultiheadAttention(4, 2, rng=np.random.default_rng(0))
    with pytest.raises(ValueError) as refused:
        layer(np.zeros((2, 3, 4)), key_padding_mask=np.ones((2, 5), bool))
    assert unclear(str(refused.value)) == "" and str(refused.value).startswith("MultiheadAttention")


@pytest.mark.parametrize(
    "message, said",
    [
        ("Linear(3, 2): expected x of shape (..., 3), got (4,)", ""),
        ("linear(3, 2): expected x of shape (..., 3), got (4,)", "linear is no name of the library"),
        ("None: expected x of shape (..., 3), got (4,)", "None is no name of the library"),
        ("Linear(3, 2): expected X of shape (..., 3), got (4,)", "none of the arguments"),
        ("correlate2d: expected kernel of shape (kh, KW), got (4,)", "['KW'] stand in no documentation"),
        ("wrong shape", "says not who expected what"),
    ],
)
def test_the_judge_of_words(message, said):
    assert unclear(message).startswith(said) and bool(unclear(message)) == bool(said)
