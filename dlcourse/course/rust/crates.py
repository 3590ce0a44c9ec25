"""The members of the cargo workspace `rust/`: their crates are built once, then linked to cells.

A cell is compiled by rustc itself against what cargo built for the member, so that it behaves like a cell
of the standard library: same file name, same cache, no lock held while another notebook compiles.
"""

import hashlib
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass
from pathlib import Path

from dlcourse.course import atomic
from dlcourse.course.rust.toolchain import WORKSPACE, cache_folder, toolchain

OFFLINE = (
    "failed to download",
    "Could not resolve",
    "Couldn't resolve",
    "Unable to update registry",
    "--offline",
)


class CratesError(RuntimeError):
    """A member's crates cannot be had; the message says why, in one line."""


@dataclass(frozen=True)
class Linked:
    """What rustc needs to compile a cell against a member, and what the program needs to run."""

    flags: list
    fingerprint: str
    environment: dict


NOTHING = Linked([], "", {})
LOADER_PATH = {"win32": "PATH", "darwin": "DYLD_LIBRARY_PATH"}.get(sys.platform, "LD_LIBRARY_PATH")


def members():
    """Return the names that `--crates` knows: the folders of the workspace that hold a package."""
    return sorted(manifest.parent.name for manifest in WORKSPACE.glob("*/Cargo.toml"))


def target_folder():
    """Return the one folder that cargo builds into: CARGO_TARGET_DIR, or a folder in the course's cache."""
    return Path(os.environ.get("CARGO_TARGET_DIR") or cache_folder() / "target")


def prepare(member, progress=None):
    """Return the Linked of a member, building its crates first where this has not been done.

    progress    called with a line of text about once a second while cargo builds

    Raises RustMissing, and CratesError: no such member, no cargo, no network at the first use, no build.
    """
    if member not in members():
        known = ", ".join(members()) or "none: the folder rust/ is missing"
        raise CratesError(f"--crates {member}: expected a member of the workspace ({known})")
    rust = toolchain()
    environment = libtorch_environment(member)
    fingerprint = _fingerprint(f"{rust.description}{target_folder()}{environment}")
    record = target_folder() / "cells" / f"{member}-{fingerprint}.json"
    if record.exists():
        flags = json.loads(record.read_text("utf-8"))
        if all(Path(flag.split("=", 1)[1]).exists() for flag in flags if "=" in flag):
            return Linked(flags, fingerprint, environment)
    artifacts, searched = _cargo(member, rust, progress or (lambda line: None))
    flags = [word for name, file in _externs(member, artifacts) for word in ("--extern", f"{name}={file}")]
    folders = [f"dependency={target_folder() / 'release' / 'deps'}", *searched]
    flags += [word for folder in folders for word in ("-L", folder)]
    _write(record, json.dumps(flags))
    return Linked(flags, fingerprint, environment)


def libtorch_environment(member):
    """Return the variables by which a member finds this Python's LibTorch; {} if it needs none."""
    if not _settings(member).get("libtorch"):
        return {}
    torch = importlib.util.find_spec("torch")
    if torch is None:
        raise CratesError(f"--crates {member}: needs the Python package torch, whose libraries it links")
    libraries = Path(torch.submodule_search_locations[0]) / "lib"
    # Any value of the first means "ask Python's torch"; this one makes cargo ask again when torch moves.
    return {
        "LIBTORCH_USE_PYTORCH": str(libraries),
        LOADER_PATH: f"{libraries}{os.pathsep}{os.environ.get(LOADER_PATH, '')}",
    }


def cargo_environment(rust, *members):
    """Return what cargo needs: the one target folder, this Python first, LibTorch where asked for."""
    python = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{rust.environment['PATH']}"}
    environment = rust.environment | python | {"CARGO_TERM_COLOR": "never"}
    for member in members:
        for name, value in libtorch_environment(member).items():
            known = environment.get(name, "")
            environment[name] = f"{value}{os.pathsep}{known}" if name == LOADER_PATH else value
    return environment | {"CARGO_TARGET_DIR": str(target_folder())}


def _write(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    atomic.write(path, text)


def _fingerprint(machine):
    """Hash what the built crates depend on: the machine, the lock file, the manifests, the sources."""
    files = [*WORKSPACE.glob("*.*"), *WORKSPACE.glob("*/Cargo.toml"), *WORKSPACE.glob("*/src/**/*.rs")]
    digest = hashlib.sha256(machine.encode())
    for file in sorted(files):
        digest.update(file.read_bytes())
    return digest.hexdigest()[:16]


def _manifest(path):
    return tomllib.loads(path.read_text("utf-8"))


def _package(member):
    return _manifest(WORKSPACE / member / "Cargo.toml")["package"]


def _settings(member):
    """What a member's manifest says to this module, under [package.metadata.dlcourse]."""
    return _package(member).get("metadata", {}).get("dlcourse", {})


def _cargo(member, rust, progress):
    """Build a member; return {(package, version): [artifact messages]} and the linker's search folders."""
    if not rust.cargo:
        raise CratesError("cargo is missing beside rustc: get both from https://rustup.rs")
    command = [
        rust.cargo,
        "build",
        "--release",
        "--lib",
        "--locked",
        "--message-format=json-render-diagnostics",
    ]
    command += ["--manifest-path", str(WORKSPACE / member / "Cargo.toml")]
    environment = cargo_environment(rust, member)
    artifacts, searched, started, told = {}, [], time.monotonic(), 0.0
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as errors:
        process = subprocess.Popen(
            command, env=environment, stdout=subprocess.PIPE, stderr=errors, text=True, encoding="utf-8"
        )
        try:
            for line in process.stdout:
                message = json.loads(line) if line.startswith("{") else {}
                if message.get("reason") == "compiler-artifact":
                    artifacts.setdefault(_identity(message["package_id"]), []).append(message)
                elif message.get("reason") == "build-script-executed":
                    searched += message["linked_paths"]
                if time.monotonic() - max(started, told) > 1:
                    told = time.monotonic()
                    progress(_progress(member, len(artifacts), told - started))
            process.wait()
        finally:
            process.kill()
        errors.seek(0)
        if process.returncode:
            raise CratesError(_reason(member, errors.read()))
    return artifacts, searched


def _identity(package_id):
    """("ndarray", "0.17.2") of "registry+…#ndarray@0.17.2"; a path without a name is named by its folder."""
    path, _, last = package_id.partition("#")
    name, _, version = last.rpartition("@")
    return name or path.rpartition("/")[2], version


def _progress(member, done, seconds):
    estimate = _settings(member).get("cpu-seconds", 0)
    cores = os.cpu_count() or 1
    about = f", about {max(1, round(estimate / cores / 60))} min on {cores} cores" if estimate else ""
    passed = f"{int(seconds) // 60}:{int(seconds) % 60:02}"
    return f"Building the crates of `{member}` (once{about}): {done} compiled, {passed} min passed"


def _reason(member, errors):
    """One line about why cargo failed."""
    if any(sign in errors for sign in OFFLINE):
        return (
            f"--crates {member}: its crates are not on this machine yet and there is no network; connect once"
        )
    first = next((line for line in errors.splitlines() if line.startswith("error")), errors.strip()[-200:])
    return f"--crates {member}: cargo could not build its crates: {first}"


def _externs(member, artifacts):
    """Yield (crate name in the code, library file) for the member and each of its direct dependencies."""
    lock = _manifest(WORKSPACE / "Cargo.lock")["package"]
    entry = next(p for p in lock if p["name"] == _package(member)["name"] and "source" not in p)
    own = _library(artifacts, entry["name"], entry["version"])
    yield own["target"]["name"], _file(own)
    for name, wanted in _manifest(WORKSPACE / member / "Cargo.toml").get("dependencies", {}).items():
        wanted = wanted if isinstance(wanted, dict) else {"version": wanted}
        if wanted.get("optional"):
            continue  # a feature that cells do not switch on
        real = wanted.get("package", name)
        versions = [p["version"] for p in lock if p["name"] == real and _is_listed(p, entry["dependencies"])]
        fitting = [v for v in versions if f"{v}.".startswith(f"{wanted.get('version', v)}.")]
        yield name.replace("-", "_"), _file(_library(artifacts, real, fitting[0], own["profile"]))


def _is_listed(package, dependencies):
    """The lock file names a dependency alone, or with its version where there are several."""
    return package["name"] in dependencies or f"{package['name']} {package['version']}" in dependencies


def _library(artifacts, name, version, profile=None):
    """Of several builds of one crate (a build script may have its own), take the member's."""
    kinds = {"lib", "rlib", "proc-macro"}
    built = [a for a in artifacts[name, version] if kinds & set(a["target"]["kind"])]
    return next((a for a in built if a["profile"] == profile), built[0])


def _file(artifact):
    files = [file for file in artifact["filenames"] if not file.endswith(".rmeta")]
    return next((file for file in files if file.endswith(".rlib")), files[0])  # else a procedural macro
