"""Rust called from Python, by two roads: the C interface through ctypes, and an extension module by PyO3.

Both lead to the member `ffi` of the workspace: an affine map and the cross-entropy, float64. A failure behind
the border, a panic included, arrives here as an exception.
"""

import ctypes
import functools
import hashlib
import importlib.machinery
import importlib.util
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np

from dlcourse.course.rust.crates import WORKSPACE, CratesError, cargo_environment, target_folder
from dlcourse.course.rust.toolchain import cache_folder, toolchain

PACKAGE = "dlcourse-ffi"
FILE = {"win32": "dlcourse_ffi.dll", "darwin": "libdlcourse_ffi.dylib"}.get(
    sys.platform, "libdlcourse_ffi.so"
)
POINTER, SIZE = ctypes.c_void_p, ctypes.c_size_t


class NativeError(RuntimeError):
    """A function in Rust failed; the message is Rust's own."""


class CLibrary:
    """The C interface of the member `ffi`; arrays are passed as pointers, nothing is copied."""

    def __init__(self, path):
        self._library = ctypes.CDLL(str(path))
        self._library.dlcourse_affine.argtypes = [POINTER] * 4 + [SIZE] * 3
        self._library.dlcourse_cross_entropy.argtypes = [POINTER] * 2 + [SIZE] * 2 + [POINTER]
        self._library.dlcourse_message.argtypes = [ctypes.c_char_p, SIZE]
        self._library.dlcourse_message.restype = None

    def affine(self, x, weight, bias):
        """Return x Wᵀ + b: x (N, I), weight (O, I), bias (O), all float64 in C order."""
        (n, i), (o, _) = np.shape(x), np.shape(weight)
        y = np.empty((n, o))
        arguments = [(x, (n, i)), (weight, (o, i)), (bias, (o,)), (y, (n, o))]
        pointers = [pointer("affine", array, shape, np.float64) for array, shape in arguments]
        self._checked(self._library.dlcourse_affine(*pointers, n, i, o))
        return y

    def cross_entropy(self, scores, targets):
        """Return the mean cross-entropy: scores (N, C), float64, and targets (N), uint64."""
        (n, classes), loss = np.shape(scores), ctypes.c_double()
        pointers = (
            pointer("cross_entropy", scores, (n, classes), np.float64),
            pointer("cross_entropy", targets, (n,), np.uint64),
        )
        self._checked(self._library.dlcourse_cross_entropy(*pointers, n, classes, ctypes.byref(loss)))
        return loss.value

    def _checked(self, status):
        if status:
            buffer = ctypes.create_string_buffer(500)
            self._library.dlcourse_message(buffer, len(buffer))
            raise NativeError(buffer.value.decode(errors="replace"))


def pointer(name, array, shape, dtype):
    """The address of an array's memory. Rust sees neither its type nor its shape: both are checked here."""
    got = f"{type(array).__name__}" if not isinstance(array, np.ndarray) else f"{array.dtype} {array.shape}"
    if not isinstance(array, np.ndarray) or array.dtype != dtype or array.shape != shape:
        raise ValueError(f"{name}: expected an array of {np.dtype(dtype)} {shape}, got {got}")
    if not array.flags.c_contiguous:
        raise ValueError(f"{name}: expected rows one after the other in memory; np.ascontiguousarray copies")
    return array.ctypes.data


@functools.cache
def c_library():
    """Build the C interface (seconds, once) and load it. Raises RustMissing or CratesError."""
    rust = toolchain()
    if not rust.cargo:
        raise CratesError("cargo is missing beside rustc: get both from https://rustup.rs")
    command = [rust.cargo, "build", "--release", "--locked", "--package", PACKAGE]
    _run(command, cargo_environment(rust))
    return CLibrary(target_folder() / "release" / FILE)


def shared_library(source):
    """Compile Rust source (the standard library alone) to a C library, once; return its path.

    Raises RustMissing; CratesError with rustc's first error where it refuses the source.
    """
    rust = toolchain()
    digest = hashlib.sha256(f"{rust.description}{source}".encode()).hexdigest()[:16]
    path = cache_folder() / "shared" / digest / FILE
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as folder:
            (Path(folder) / "shared.rs").write_text(source, encoding="utf-8")
            words = ["--edition=2024", "--crate-type=cdylib", "--crate-name=shared", "-Copt-level=3"]
            command = [str(rust.rustc), "shared.rs", *words, "-Cstrip=symbols", "-o", FILE]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
            if done.returncode:
                lines = done.stderr.splitlines()
                first = next((line for line in lines if line.startswith("error")), done.stderr[-200:])
                raise CratesError(f"rustc refuses the library: {first}")
            os.replace(Path(folder) / FILE, path)  # complete or not at all
    return path


@functools.cache
def extension():
    """Build the PyO3 extension by maturin (a minute, once) and import it.

    Raises RustMissing; CratesError where maturin is missing or the build fails.
    """
    rust = toolchain()
    maturin = shutil.which("maturin", path=Path(sys.executable).parent) or shutil.which("maturin")
    if maturin is None:
        raise CratesError("maturin is missing: `pip install maturin` brings it")
    folder = cache_folder() / "extension" / _fingerprint(rust)
    if not list(folder.glob("**/*dlcourse_ffi*")):
        with tempfile.TemporaryDirectory() as wheels:
            manifest = str(WORKSPACE / "ffi" / "Cargo.toml")
            words = ["--release", "--locked", "--auditwheel", "skip", "--interpreter", sys.executable]
            command = [maturin, "build", "--manifest-path", manifest, *words, "--out", wheels]
            # A target folder of its own: it builds the same library with other features.
            target = {"CARGO_TARGET_DIR": str(target_folder() / "extension")}
            _run(command, cargo_environment(rust) | target)
            (wheel,) = Path(wheels).glob("*.whl")
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)
    suffixes = importlib.machinery.EXTENSION_SUFFIXES
    (file,) = (f for f in folder.rglob("dlcourse_ffi.*") if f.name.endswith(tuple(suffixes)))
    spec = importlib.util.spec_from_file_location("dlcourse_ffi", file)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _fingerprint(rust):
    files = [*WORKSPACE.glob("ffi/src/*.rs"), *WORKSPACE.glob("ffi/*.toml"), WORKSPACE / "Cargo.lock"]
    digest = hashlib.sha256(f"{rust.description}{sys.version}".encode())
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _run(command, environment):
    done = subprocess.run(command, cwd=WORKSPACE, env=environment, capture_output=True, text=True)
    if done.returncode:
        first = next(
            (line for line in done.stderr.splitlines() if line.startswith("error")), done.stderr[-200:]
        )
        raise CratesError(f"{Path(command[0]).name} could not build {PACKAGE}: {first}")
