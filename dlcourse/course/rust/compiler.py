"""Compile a cell with rustc, once: what was built from the same sources is taken from the cache."""

import contextlib
import hashlib
import json
import os
import re
import shutil
import subprocess
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from dlcourse.course.rust import crates
from dlcourse.course.rust.show import presentable
from dlcourse.course.rust.toolchain import cache_folder, toolchain

LONGEST = 300  # seconds for one cell; a member's crates are built before, without limit
CACHE_BYTES = 2 * 2**30
ANSI = re.compile(r"\x1b\[[0-9;]*m")


@dataclass(frozen=True)
class Build:
    """What rustc made of a cell: messages as (level, code or None, text), and the program if there is one."""

    messages: list
    program: Path | None
    environment: dict

    @property
    def codes(self):
        """The error codes, sorted; "" stands for errors that have none (syntax, linker)."""
        errors = (
            m for m in self.messages if m[0] == "error" and not ANSI.sub("", m[2]).startswith("error: abort")
        )
        return tuple(sorted({code or "" for _, code, _ in errors}))

    @property
    def text(self):
        return "".join(text for *_, text in self.messages)

    @property
    def plain(self):
        return ANSI.sub("", self.text)


def build(source, *, modules=None, release=False, test=False, member=None, progress=None, allow=()):
    """Compile `source` as cell.rs, with `modules` (name -> source) beside it, and return the Build.

    allow: lints that rustc keeps to itself, e.g. "warnings" for all.

    Raises RustMissing, and crates.CratesError where the member's crates cannot be had.
    """
    rust = toolchain()
    linked = crates.prepare(member, progress) if member else crates.NOTHING
    files = {"cell.rs": source} | {f"{name}.rs": text for name, text in (modules or {}).items()}
    flags = ["-Copt-level=3"] if release else []
    flags += ["--test"] if test else []
    flags += [f"-A{lint}" for lint in allow]
    what = json.dumps([files, flags, linked.flags, linked.fingerprint, rust.description], sort_keys=True)
    entry = cache_folder() / "cells" / hashlib.sha256(what.encode()).hexdigest()[:32]
    found = _load(entry)
    if found is None:
        _compile(rust, files, flags + linked.flags, entry)
        found = _load(entry)
    messages, program = found
    return Build(messages, program, linked.environment)


def _load(entry):
    """Return (messages, program) of a cache entry; None if it is absent or damaged."""
    try:
        record = json.loads((entry / "build.json").read_text("utf-8"))
        program = entry / record["program"] if record["program"] else None
        if program and hashlib.sha256(program.read_bytes()).hexdigest() != record["sha256"]:
            raise ValueError("the program is not the one that was built")
        os.utime(entry)  # used just now: what is used least goes first
        return record["messages"], program
    except (OSError, ValueError, KeyError, TypeError):
        shutil.rmtree(entry, ignore_errors=True)
        return None


def _compile(rust, files, flags, entry):
    """Run rustc in a private folder beside the entry, then move the folder into its place."""
    entry.parent.mkdir(parents=True, exist_ok=True)
    _prune(entry.parent)
    folder = Path(tempfile.mkdtemp(prefix="new-", dir=entry.parent))
    try:
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
        program = "cell.exe" if os.name == "nt" else "cell"
        command = [rust.rustc, "cell.rs", "--edition=2024", "--crate-name=cell", "-o", program]
        command += ["-Cdebuginfo=0", "-Cstrip=symbols", "-Adead_code", "--error-format=json"]
        command += ["--json=diagnostic-rendered-ansi", "--diagnostic-width=100", *flags]
        messages, returncode = _rustc(command, folder)
        built = returncode == 0
        digest = hashlib.sha256((folder / program).read_bytes()).hexdigest() if built else None
        record = {"messages": messages, "program": program if built else None, "sha256": digest}
        (folder / "build.json").write_text(json.dumps(record), "utf-8")
        with contextlib.suppress(OSError):  # another notebook was faster: its entry is as good
            folder.rename(entry)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _rustc(command, folder):
    """Return rustc's messages, as (level, code, text) with ANSI colours, and its exit status."""
    try:
        done = subprocess.run(
            command,
            cwd=folder,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=LONGEST,
        )
    except subprocess.TimeoutExpired:
        return [("error", None, f"error: rustc did not finish within {LONGEST} s\n")], 1
    messages = []
    for line in done.stderr.splitlines():
        with contextlib.suppress(ValueError):
            message = json.loads(line)
            code = (message["code"] or {}).get("code")
            messages.append((message["level"], code, presentable(message["rendered"], folder)))
            continue
        messages.append(("error", None, presentable(line + "\n", folder)))  # rustc itself broke down
    return messages, done.returncode


def _prune(folder):
    """Remove what crashed compilations left, and the entries used least while the cache is over its size."""
    with contextlib.suppress(OSError):
        entries = sorted(folder.iterdir(), key=lambda entry: entry.stat().st_mtime, reverse=True)
        size = 0
        for entry in entries:
            size += sum(file.stat().st_size for file in entry.iterdir())
            abandoned = entry.name.startswith("new-") and time.time() - entry.stat().st_mtime > 24 * 3600
            if abandoned or size > CACHE_BYTES:
                shutil.rmtree(entry, ignore_errors=True)
