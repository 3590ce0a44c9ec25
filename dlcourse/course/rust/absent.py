"""A chapter without Rust: cells that need what a Rust cell would have made say so instead of failing."""

import ast
import re
import symtable

from dlcourse.course.rust.toolchain import RustMissing, toolchain

MAKES = re.compile(r"--(?:out|lib)[ =](\w[\w-]*)")


def made_by(source):
    """The names that a `%%rust` cell makes: its `--out` variable and its `--lib` module."""
    return set(MAKES.findall(source.split("\n")[0]))


def names(source):
    """The global names a Python cell takes from earlier cells, and those it binds."""
    code = "\n".join(line for line in source.splitlines() if not line.lstrip().startswith(("%", "!")))
    read, bound = set(), set()
    try:
        statements = ast.parse(code).body
    except SyntaxError:
        return read, bound
    for statement in map(OwnScopes().visit, statements):
        top = symtable.symtable(ast.unparse(statement), "cell", "exec")
        read |= globals_read(top) - loop_targets(statement) - bound
        bound |= {s.get_name() for s in top.get_symbols() if s.is_assigned() or s.is_imported()}
    return read, bound


class OwnScopes(ast.NodeTransformer):
    """Make generators of comprehensions, whose variables Python 3.12 counts to the scope around them."""

    def visit_ListComp(self, node):
        self.generic_visit(node)
        return ast.GeneratorExp(node.elt, node.generators)

    visit_SetComp = visit_ListComp

    def visit_DictComp(self, node):
        self.generic_visit(node)
        return ast.GeneratorExp(ast.Tuple([node.key, node.value], ast.Load()), node.generators)


def globals_read(table):
    inner = set().union(*map(globals_read, table.get_children()))
    own = [
        s
        for s in table.get_symbols()
        if s.is_referenced() and (s.is_global() or table.get_type() == "module")
    ]
    return inner | {s.get_name() for s in own}


def loop_targets(statement):
    """The names that `for` and `with` bind before their bodies read them."""
    targets = [getattr(statement, "target", None)] if isinstance(statement, ast.For) else []
    targets += [item.optional_vars for item in getattr(statement, "items", [])]
    return {n.id for target in targets if target for n in ast.walk(target) if isinstance(n, ast.Name)}


class SkipDependents:
    """An input transformer of IPython: replaces cells that read what is missing by one line that says so."""

    def __init__(self):
        self.missing = set()

    def __call__(self, lines):
        source = "".join(lines)
        if source.startswith("%%rust"):
            self.missing |= made_by(source)
            return lines
        read, bound = names(source)
        wanted = sorted(read & self.missing)
        if not wanted:
            self.missing -= bound
            return lines
        self.missing |= bound
        return [f"print('Skipped: this cell needs {', '.join(wanted)}, which comes from a Rust cell.')\n"]


def register(shell):
    """Without rustc, let the cells that depend on Rust say so; the others run as they are."""
    try:
        toolchain()
    except RustMissing:
        shell.input_transformers_cleanup.append(SkipDependents())
