"""The cell magic `%%rust`: what its options mean, and what a reader sees."""

import argparse
import json
import os
import shlex
import tempfile
from pathlib import Path

from dlcourse.course.rust import compiler, show
from dlcourse.course.rust.crates import CratesError
from dlcourse.course.rust.program import Result, run
from dlcourse.course.rust.toolchain import RustMissing, toolchain

PANICKED = 101
TODO = "todo!()"  # a stub that is still to be written cannot use its arguments
LIBRARIES = {}  # name -> (source, names of the libraries it uses)


class CellFailed(Exception):
    """A Rust cell did not do what it should; shown as its one line, without a traceback."""

    def _render_traceback_(self):
        return [str(self)]


class _Options(argparse.ArgumentParser):
    def error(self, message):
        raise CellFailed(f"%%rust: {message}")


def _options():
    parser = _Options(prog="%%rust", add_help=False, allow_abbrev=False)
    parser.add_argument(
        "--expect", metavar="CODE", help="rustc must refuse the cell with this code; or: panic"
    )
    parser.add_argument("--release", action="store_true", help="optimise")
    parser.add_argument("--test", action="store_true", help="run the cell's #[test] functions")
    parser.add_argument("--crates", metavar="MEMBER", help="link the crates of this member of rust/")
    parser.add_argument("--lib", metavar="NAME", type=_name, help="keep the cell as module NAME")
    parser.add_argument(
        "--use", metavar="NAME", type=_name, action="append", default=[], help="for `mod NAME;`"
    )
    parser.add_argument("--out", metavar="NAME", type=_name, help="printed JSON becomes this Python variable")
    parser.add_argument("--stdin", metavar="NAME", type=_name, help="hand this Python variable over as JSON")
    parser.add_argument(
        "--args", metavar="'A B'", type=shlex.split, default=[], help="command-line arguments"
    )
    parser.add_argument("--timeout", metavar="S", type=float, default=10.0, help="seconds it may run (10)")
    parser.add_argument("--alt", action="append", default=[], help="what the picture it writes shows")
    return parser


def _name(text):
    if not text.isidentifier():
        raise argparse.ArgumentTypeError(f"expected a name, got {text!r}")
    return text


def _module(text):
    """A module's name; a hyphen, as in the names of exercises, becomes an underscore."""
    return _name(text.replace("-", "_"))


OPTIONS = _options()


def rust(line, cell):
    """Compile the cell with rustc and run it: `%%rust [options]`.

    --release           optimise            --test          run its #[test] functions
    --expect CODE       rustc must refuse the cell with this code (E0382); `panic`: it must panic
    --crates MEMBER     link the crates of that member of the workspace rust/
    --lib NAME          keep the cell as a module; another cell gets it with --use NAME and `mod NAME;`
    --stdin NAME        a Python variable, handed over as JSON on standard input (a str as it is)
    --out NAME          what it prints, parsed as JSON, becomes this Python variable
    --args 'A B'        command-line arguments              --timeout S     seconds it may run (10)
    --alt TEXT          what a picture shows: files *.svg and *.png that the program writes into its
                        folder are displayed, in the order of their names (one --alt each)
    """
    from IPython import get_ipython

    options, namespace = OPTIONS.parse_args(shlex.split(line)), get_ipython().user_ns
    if options.lib:
        LIBRARIES[options.lib] = cell, tuple(options.use)
    try:
        built = _build(cell, options)
    except RustMissing as missing:
        if os.environ.get("CI", "").lower() in ("1", "true"):
            raise
        if options.out:
            namespace[options.out] = None
        print(missing)
    except CratesError as error:
        raise CellFailed(str(error)) from None
    else:
        show.text(built.text)
        _judge(built, options)
        if built.program and not options.lib:
            _run(built, options, namespace)


def library(name):
    """Return the source of the cell `%%rust --lib NAME` that ran last; KeyError if none did."""
    name = name.replace("-", "_")
    if name not in LIBRARIES:
        known = ", ".join(sorted(LIBRARIES)) or "none yet"
        raise KeyError(f"no cell `%%rust --lib {name}` has run (libraries: {known})")
    return LIBRARIES[name][0]


def compile_and_run(source, *, release=False, args=(), stdin="", timeout=10, member=None):
    """Compile `source` (std only, or with a member's crates), run it, and return the Result.

    Where rustc refuses it, the Result has compiled=False, rustc's errors as stderr, and its codes.
    Raises RustMissing without rustc, CratesError where the member's crates cannot be had.
    """
    built = compiler.build(source, release=release, member=member, allow=["warnings"])
    if built.program is None:
        return Result(1, "", built.plain, compiled=False, codes=built.codes)
    with tempfile.TemporaryDirectory() as folder:
        return run(
            [built.program, *args], folder=folder, stdin=stdin, timeout=timeout, environment=built.environment
        )


def _build(cell, options):
    """Compile the cell; a library is compiled as a module of an empty program."""
    modules, wanted = {}, [options.lib] if options.lib else list(options.use)
    for name in wanted:  # grows: a library may use others
        try:
            modules[name] = library(name)
        except KeyError as error:
            raise CellFailed(f"%%rust --use {name}: {error.args[0]}") from None
        wanted += [other for other in LIBRARIES[name][1] if other not in wanted]
    if options.lib:
        cell = "".join(f"mod {name};\n" for name in modules) + "fn main() {}\n"
    with show.Progress() as progress:
        return compiler.build(
            cell,
            modules=modules,
            release=options.release,
            test=options.test,
            member=options.crates,
            progress=progress,
            allow=["unused_variables"]
            if TODO in cell or any(TODO in text for text in modules.values())
            else (),
        )


def _judge(built, options):
    """Hold what rustc said against what the cell's author expects; raises CellFailed where they differ."""
    got, expected = " and ".join(code or "an error without code" for code in built.codes), options.expect
    for code in built.codes:
        show.explanation(code)
    if expected in (None, "panic"):
        if built.program is None:
            raise CellFailed(f"rustc refuses this cell: {got}")
    elif built.program:
        raise CellFailed(f"expected rustc to refuse this cell with {expected}, but it compiles")
    elif built.codes != (expected,) and (toolchain().is_pinned or expected not in built.codes):
        raise CellFailed(f"expected rustc to refuse this cell with {expected}, but it says {got}")
    elif not toolchain().is_pinned:
        print(f"(This is rustc {toolchain().version}: only the code {expected} was compared, not the words.)")


def _run(built, options, namespace):
    """Run the program in an empty folder; show what it prints and draws, or hand it to Python."""
    command = [built.program, *options.args]
    command += ["--test-threads=1"] if options.test else []
    stdin = _input(options.stdin, namespace) if options.stdin else ""
    with tempfile.TemporaryDirectory() as folder:
        result = run(
            command, folder=folder, stdin=stdin, timeout=options.timeout, environment=built.environment
        )
        _show(result, options, namespace, folder)
        show.pictures(Path(folder), options.alt)


def _show(result, options, namespace, folder):
    stdout, stderr = (show.presentable(text, folder) for text in (result.stdout, result.stderr))
    if options.test:
        stdout = show.without_times(stdout)
    if result.stopped or result.returncode or not options.out:
        show.text(stdout)
    show.text(stderr)
    if result.stopped:
        raise CellFailed(
            f"the program {result.stopped}" + ("; --timeout S gives it longer" * ("within" in result.stopped))
        )
    if options.expect == "panic" and result.returncode != PANICKED:
        raise CellFailed(f"expected the program to panic, but its exit status is {result.returncode}")
    if result.returncode and options.expect != "panic":
        what = "a test failed" if options.test else _meaning(result.returncode)
        raise CellFailed(f"the program ended with exit status {result.returncode}{what and ': ' + what}")
    if options.out:
        namespace[options.out] = _json(result.stdout, options.out)


def _meaning(status):
    if status == PANICKED:
        return "it panicked"
    return f"ended by signal {-status}" if status < 0 else ""


def _input(name, namespace):
    if name not in namespace:
        raise CellFailed(f"%%rust --stdin {name}: there is no Python variable of this name")
    value = namespace[name]
    if isinstance(value, str):
        return value
    try:
        return json.dumps(value, default=lambda array: array.tolist())
    except (TypeError, ValueError, AttributeError):
        raise CellFailed(
            f"%%rust --stdin {name}: expected a value JSON can hold, got {type(value).__name__}"
        ) from None


def _json(text, name):
    try:
        return json.loads(text)
    except ValueError as error:
        start = text[:40] + "…" * (len(text) > 40)
        raise CellFailed(f"%%rust --out {name}: expected JSON on stdout ({error}), got {start!r}") from None
