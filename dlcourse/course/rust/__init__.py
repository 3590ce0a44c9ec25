"""Rust in the notebooks: the cell magic `%%rust`, and the functions behind it.

`%load_ext dlcourse.course.rust` registers the magic; `%%rust?` lists its options. Programs are compiled by
rustc 1.95 (another release does, but then only error codes are compared), cached under the system's folder
for caches (DLCOURSE_CACHE names another), and run with a limit on time and output.
"""

from dlcourse.course.rust import absent
from dlcourse.course.rust.crates import CratesError, members, prepare
from dlcourse.course.rust.magic import CellFailed, compile_and_run, library, rust
from dlcourse.course.rust.program import Result
from dlcourse.course.rust.toolchain import RustMissing, rustc_version

__all__ = [
    "CellFailed",
    "CratesError",
    "Result",
    "RustMissing",
    "compile_and_run",
    "library",
    "members",
    "prepare",
    "rustc_version",
]


def load_ipython_extension(shell):
    from IPython.core.magic import no_var_expand

    shell.register_magic_function(no_var_expand(rust), "cell", "rust")
    absent.register(shell)
