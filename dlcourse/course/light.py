"""A chapter without PyTorch: `%load_ext dlcourse.course.light` leaves out what needs it, and says so.

Statement by statement: an import that needs torch, whatever reads its names, whatever reads the results of
those, and Rust cells with the crate tch. All other statements of the same cell run.
"""

import ast
import importlib
import re
from importlib.util import find_spec

from dlcourse.course.rust.absent import made_by, names

WORDS = "PyTorch is not installed: left out here what needs {}. `pip install torch` brings it."
PROGRAM = r"^\s*import torch\b"  # in a text: a program that is run elsewhere


def one_by_one(statement):
    """The statement; an import of several things as one import for each."""
    if not isinstance(statement, ast.Import | ast.ImportFrom):
        return [statement]
    kind = type(statement)
    fields = {name: value for name, value in ast.iter_fields(statement) if name != "names"}
    return [kind(names=[alias], **fields) for alias in statement.names]


def imports_torch(statement):
    """Does an import in it, or in a program that it holds as text, fail for want of torch? They are tried."""
    for node in ast.walk(statement):
        if isinstance(node, ast.Constant) and re.search(PROGRAM, str(node.value), re.MULTILINE):
            return True
        if isinstance(node, ast.Import):
            wanted = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and not node.level:
            wanted = [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        else:
            continue
        for module in wanted:
            try:
                importlib.import_module(module)
            except ModuleNotFoundError as error:  # a name that is no module is none of ours
                if str(error.name).partition(".")[0] == "torch":
                    return True
    return False


def magic_of(statement):
    """(line, words) of a statement that runs a cell magic, else ("", set())."""
    match statement:
        case ast.Expr(ast.Call(ast.Attribute(attr="run_cell_magic"), [_, ast.Constant(value=line), _])):
            return line, set(re.findall(r"\w+", line))
    return "", set()


def changed_by(statement):
    """The names whose content a statement changes in place: `rows[i] = …`, `net.x = …`, `found.append(…)`."""
    found = set()
    for node in ast.walk(statement):
        if isinstance(node, ast.Subscript | ast.Attribute) and isinstance(node.ctx, ast.Store):
            base = node.value
        elif isinstance(node, ast.Expr) and isinstance(node.value, ast.Call):
            base = getattr(node.value.func, "value", None)
        else:
            continue
        found |= {base.id} if isinstance(base, ast.Name) else set()
    return found


class LeaveOut:
    """An input transformer of IPython, for cells whose magics are Python by now."""

    def __init__(self):
        self.missing = {"tch"}  # as a word behind %%rust

    def __call__(self, lines):
        try:
            body = ast.parse("".join(lines)).body
        except SyntaxError:
            return lines
        kept, wanted = [], set()
        for statement in (part for whole in body for part in one_by_one(whole)):
            needs, bound = self.examine(statement)
            wanted |= needs
            self.missing = self.missing | bound if needs else self.missing - bound
            kept += [] if needs else [statement]
        if not wanted:
            return lines
        said = f"print({WORDS.format(', '.join(sorted(wanted)))!r})"
        return "\n".join([said, *map(ast.unparse, kept), ""]).splitlines(keepends=True)

    def examine(self, statement):
        """What it needs that is not there, and the names it binds."""
        line, words = magic_of(statement)
        if line:
            return words & self.missing - made_by(line), made_by(line)
        read, bound = names(ast.unparse(statement))
        read |= {n.id for n in ast.walk(statement) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Del)}
        needs = (read & self.missing) or ({"torch"} if imports_torch(statement) else set())
        return needs, bound | changed_by(statement) if needs else bound


def load_ipython_extension(shell):
    if find_spec("torch") is None:
        shell.input_transformers_post.append(LeaveOut())
