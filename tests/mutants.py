"""Systematic mistakes in hand-written backward passes, to prove that the gradient check sees them.

`mutants(ref.Linear)` parses the module that defines the class, makes one edit at a time inside its
backward pass, and yields (name, mutated class). The edits are the classic mistakes:

    sign        return -dx                     transpose   a.T -> a
    term        a + b -> a                     factor      a * b -> a, a / b -> a
    accumulate  a += b -> a = b                axis        sum(axis=0) -> sum(axis=-1)
    compare     a > b -> a < b                 function    f(x) -> x
    missing     no self.grads[name] = ...      stale       forward keeps its first cache for ever

Nothing inside an index, a shape, a range, a check or a condition is touched: such edits crash or do nothing.
To cover a layer, add a `Case` to its test file and call `check_mutants`.
"""

import ast
import copy
import inspect
import types
from collections import Counter
from dataclasses import dataclass
from typing import Any

import numpy as np

from dlcourse.reference.gradcheck import TOLERANCE, gradient_errors
from tests import tables

CHECKS = {"expect_shape", "expect_floats", "expect_indices"}
UNTOUCHED = CHECKS | {
    "reshape",
    "range",
    "zeros",
    "empty",
    "asarray",
    "astype",
    "type",
    "float",
    "len",
    "list",
}


@dataclass(frozen=True)
class Case:
    """A class, how to make it and its inputs, and the functions in which mistakes are planted."""

    cls: type
    make: Any  # (cls, rng) -> layer, or several layers where one does not exercise every line
    inputs: Any  # rng -> tuple of arrays
    where: tuple = ("backward",)
    harmless: tuple = ()  # names of the mutants that compute the same function; say why beside them


def _edits(node):
    """Yield (kind, replacement) for one node of the syntax tree."""
    match node:
        case ast.Return(value=ast.expr() as value):
            yield "sign", ast.Return(_negate(value))
        case ast.Assign(targets=[ast.Subscript() as target], value=value) if "grads" in ast.unparse(target):
            yield "sign", ast.Assign([target], _negate(value), lineno=node.lineno)
            yield "missing", ast.Pass()
        case ast.AugAssign(target=target, op=ast.Add() | ast.Sub(), value=value):
            yield "accumulate", ast.Assign([target], value, lineno=node.lineno)
            yield "term", ast.Pass()
        case ast.AugAssign(op=ast.Mult() | ast.Div()):
            yield "factor", ast.Pass()
        case ast.BinOp(left=left, op=ast.Add() | ast.Sub()):
            yield "term", left
            yield "term", node.right
            flipped = ast.Sub() if isinstance(node.op, ast.Add) else ast.Add()
            yield "sign", ast.BinOp(left, flipped, node.right)
        case ast.BinOp(left=left, op=ast.Mult() | ast.Div()):
            yield "factor", left
            if isinstance(node.op, ast.Mult):
                yield "factor", node.right
        case ast.Attribute(value=value, attr="T"):
            yield "transpose", value
        case ast.Call(func=ast.Attribute(value=value, attr="transpose" | "swapaxes")):
            yield "transpose", value
        case ast.Call(args=[argument], keywords=[]) if _name(node) not in UNTOUCHED:
            yield "function", argument
        case ast.UnaryOp(op=ast.USub(), operand=ast.expr() as operand):
            yield "sign", operand
        case ast.keyword(arg="axis", value=ast.Tuple(elts=axes)):
            yield "axis", ast.keyword("axis", ast.Tuple(axes[:-1], ast.Load()))
        case ast.keyword(arg="axis", value=value):  # counted from the other end
            yield "axis", ast.keyword("axis", ast.BinOp(ast.Constant(-1), ast.Sub(), value))
        case ast.Compare(ops=[ast.Gt() | ast.GtE()]):
            yield "compare", ast.Compare(node.left, [ast.Lt()], node.comparators)


def _name(call):
    return ast.unparse(call.func).split(".")[-1]


def _negate(value):
    if isinstance(value, ast.Tuple):  # -(a, b) is not what was meant: negate the first
        return ast.Tuple([_negate(value.elts[0]), *value.elts[1:]], value.ctx)
    return ast.UnaryOp(ast.USub(), value)


def _sites(node):
    """Yield (parent, field, position, node) for every place that an edit may replace."""
    skipped = {"slice", "test", "targets", "target"}
    if isinstance(node, ast.Call) and _name(node) in UNTOUCHED:
        skipped = {"args", "keywords"}  # what is reshaped may be edited, the shape may not
    for field, value in ast.iter_fields(node):
        if field in skipped or (isinstance(node, ast.If) and isinstance(node.body[-1], ast.Raise)):
            continue
        for position, child in enumerate(value if isinstance(value, list) else [value]):
            if isinstance(child, ast.AST):
                yield node, field, position if isinstance(value, list) else None, child
                yield from _sites(child)


def _functions(tree, cls, where):
    """The functions called `where`: those of the class or its bases in this file, else of the file."""
    classes = {node.name: node.body for node in tree.body if isinstance(node, ast.ClassDef)}
    bodies = [tree.body, *(classes.get(base.__name__, ()) for base in reversed(cls.__mro__))]
    defs = {node.name: node for body in bodies for node in body if isinstance(node, ast.FunctionDef)}
    return [defs[name] for name in where if name in defs]


class _Stale(ast.NodeTransformer):
    """Make forward fill its cache once and never again."""

    def visit_Assign(self, node):
        others = [target for target in node.targets if ast.unparse(target) != "self.cache"]
        if len(others) == len(node.targets):
            return node
        value = ast.unparse(others[0] if others else node.value)
        keep = ast.parse(f"self.cache = {value} if self.cache is None else self.cache").body[0]
        return [ast.Assign(others, node.value, lineno=node.lineno), keep] if others else keep


def mutants(cls, where=("backward",)):
    """Yield (name, mutated class), one edit at a time; the name says kind and code, with #2 if it recurs."""
    seen = Counter()
    for name, mutated in _mutants(cls, where):
        seen[name] += 1
        yield name if seen[name] == 1 else f"{name} #{seen[name]}", mutated


def _mutants(cls, where):
    module = inspect.getmodule(cls)
    source = inspect.getsource(module)
    tree = ast.parse(source)
    for function in _functions(tree, cls, where):
        for parent, field, position, node in list(_sites(function)):
            for kind, replacement in _edits(node):
                _put(parent, field, position, replacement)
                yield f"{kind}: {ast.unparse(node)} -> {ast.unparse(replacement)}", _build(tree, module, cls)
                _put(parent, field, position, node)
    stale = copy.deepcopy(tree)
    forward = _functions(stale, cls, ["forward"])
    if forward and "self.cache" in ast.unparse(_Stale().visit(forward[0])):
        yield "stale: cache", _build(stale, module, cls)


def _put(parent, field, position, node):
    if position is None:
        setattr(parent, field, node)
    else:
        getattr(parent, field)[position] = node


def _build(tree, module, cls):
    tree = ast.fix_missing_locations(copy.deepcopy(tree))
    mutated = types.ModuleType(module.__name__)
    exec(compile(tree, f"<mutant of {cls.__name__}>", "exec"), vars(mutated))  # noqa: S102  our own source
    return getattr(mutated, cls.__name__)


def rejected(case, cls, seed=0):
    """What the gradient check says of `cls`: its worst error, inf if it crashes."""
    rng = np.random.default_rng(seed)
    try:
        with np.errstate(all="ignore"):
            layers, inputs = case.make(cls, rng), case.inputs(rng)
            layers = layers if isinstance(layers, tuple) else (layers,)
            checks = [gradient_errors(layer, *inputs, rng=rng) for layer in layers]
            return float(np.max([error for errors in checks for error in errors.values()]))  # NaN stays NaN
    except Exception:  # whatever it raises, it does not pass
        return np.inf


def check_mutants(case, at_least=4):
    """Assert that every mutant is rejected and the layer, on five seeds, is not; print the kill table."""
    for seed in range(5):
        error = rejected(case, case.cls, seed)
        tables.worst(case.cls.__name__, "differences", error)
        assert error <= TOLERANCE, f"false alarm: {case.cls.__name__}, seed {seed}"
    errors = {name: rejected(case, cls) for name, cls in mutants(case.cls, case.where)}
    survivors = {name for name, error in errors.items() if error <= TOLERANCE}
    tables.killed(case.cls.__name__, len(errors) - len(survivors), len(errors) - len(case.harmless))
    print(f"\n{case.cls.__name__}: {len(errors) - len(survivors)} of {len(errors)} mutants rejected")
    for name, error in errors.items():
        print(f"  {error:8.1e}  {name}")
    assert survivors == set(case.harmless), f"accepted by the gradient check: {sorted(survivors)}"
    assert len(errors) - len(survivors) >= at_least, f"{case.cls.__name__}: only {len(errors)} mutants"
