"""`make check`: what executes no notebook: ruff, links, words, figures, pins, sources, safety."""

import re
import subprocess
import sys
import tomllib

import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from dlcourse.course import sources
from tools import notebooks, prose, safety

# Built from parts, so that this file does not find itself.
MACHINE_PATH = re.compile(r"(?<![\w.~-])(?:/(?:" + "root|work|Users" + r")/|/home/\w|[A-Z]:\\Users\\)")
KERNEL_FILE = re.compile("ipykernel" + r"_\d+/\d+\.py")
OTHER_INDEX = re.compile(
    r"--(?:extra-)?index-url|--find-links|--trusted-host|^\s*replace-with\s*=", re.MULTILINE
)
INDEX_FILES = (
    "requirements*.txt",
    "environment.yml",
    "pyproject.toml",
    "rust/.cargo/config.toml",
    ".cargo/config.toml",
)
CRATES = '"registry+https://github.com/rust-lang/crates.io-index"'
BASE64 = re.compile(r"[A-Za-z0-9+/=\\n]{200,}")
TEXT_FILES = {
    ".bib",
    ".cfg",
    ".css",
    ".html",
    ".ipynb",
    ".js",
    ".json",
    ".lock",
    ".md",
    ".py",
    ".rs",
    ".svg",
    ".toml",
}
TEXT_FILES |= {".txt", ".yml", ".yaml"}


def _run(*command):
    result = subprocess.run(
        [sys.executable, "-m", *command], cwd=sources.ROOT, capture_output=True, text=True
    )
    return (result.stdout + result.stderr).strip().splitlines() if result.returncode else []


def lint():
    return _run("ruff", "check", "--output-format=concise", ".")


def formatting():
    return _run("ruff", "format", "--check", "--output-format=concise", ".")


# --- Dependencies ----------------------------------------------------------------------------------------


def _requirements(lines):
    return [
        Requirement(line.split(" #")[0]) for line in lines if line.strip() and not line.startswith(("#", "-"))
    ]


def dependencies():
    """Where pyproject.toml, requirements.txt, environment.yml and rust-toolchain.toml disagree."""
    root, problems = sources.ROOT, []
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    extras = project.get("optional-dependencies", {}).values()
    pins = {}
    for pin in _requirements((root / "requirements.txt").read_text().splitlines()):
        pins.setdefault(canonicalize_name(pin.name), []).append(pin)
        if not re.fullmatch(r"==[^*,]+", str(pin.specifier)):
            problems.append(f"requirements.txt: expected a pin like {pin.name}==1.2, got {pin}")
    for wanted in _requirements([*project["dependencies"], *(line for extra in extras for line in extra)]):
        found = pins.get(canonicalize_name(wanted.name), [])
        if not found:
            problems.append(f"requirements.txt: no pin for {wanted}; `make lock` writes it")
        for pin in found:
            version = str(pin.specifier).removeprefix("==")
            if not wanted.specifier.contains(version, prereleases=True):
                problems.append(f"requirements.txt pins {pin.name}=={version}, pyproject.toml wants {wanted}")
    return problems + _conda_problems(project)


def _conda_problems(project):
    """environment.yml: a Python that is allowed, our pins by pip, the Rust of rust-toolchain.toml."""
    listed = yaml.safe_load((sources.ROOT / "environment.yml").read_text())["dependencies"]
    conda = dict(entry.split("=", 1) for entry in listed if isinstance(entry, str) and "=" in entry)
    pip = next((entry["pip"] for entry in listed if isinstance(entry, dict)), [])
    problems = []
    allowed = Requirement(f"python{project['requires-python']}")
    if not allowed.specifier.contains(conda.get("python", "0")):
        problems.append(f"environment.yml: expected {allowed}, got {conda.get('python')}")
    if "-r requirements.txt" not in pip:
        problems.append(f"environment.yml: expected `-r requirements.txt` under pip, got {pip}")
    toolchain = sources.ROOT / "rust" / "rust-toolchain.toml"
    if toolchain.exists():
        channel = tomllib.loads(toolchain.read_text())["toolchain"]["channel"]
        if not channel.startswith(conda.get("rust", "none")):
            problems.append(f"environment.yml: expected rust={channel}, got {conda.get('rust')}")
    return problems


# --- Paths and hosts -------------------------------------------------------------------------------------


def files():
    """The repository's text files: what git would commit, or all that is not hidden or built."""
    root = sources.ROOT
    git = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=root, capture_output=True, text=True
    )
    if git.returncode == 0:
        found = [root / line for line in git.stdout.splitlines()]
    else:
        found = [
            p for p in root.rglob("*") if not {".venv", "build", "target", "node_modules"} & set(p.parts)
        ]
    return [path for path in found if path.is_file() and path.suffix in TEXT_FILES]


def machine_paths():
    """Paths of somebody's machine, package indexes other than the public ones."""
    problems = []
    for path in files():
        text = path.read_text(encoding="utf-8")
        text = BASE64.sub("", text) if path.suffix == ".ipynb" else text
        for found in (*MACHINE_PATH.finditer(text), *KERNEL_FILE.finditer(text)):
            line = text.count("\n", 0, found.start()) + 1
            problems.append(f"{prose.name(path)}, line {line}: a path of one machine: {found[0]!r}")
        for source in re.findall(r"^source = (.*)$", text, re.MULTILINE) if path.name == "Cargo.lock" else []:
            problems += [] if source == CRATES else [f"{prose.name(path)}: expected {CRATES}, got {source}"]
    for path in [path for pattern in INDEX_FILES for path in sources.ROOT.glob(pattern)]:
        for found in OTHER_INDEX.finditer(path.read_text(encoding="utf-8")):
            problems.append(f"{prose.name(path)}: names a package index: {found[0].strip()!r}")
    return problems


CHECKS = {
    "ruff check": lint,
    "ruff format": formatting,
    "notebooks": notebooks.check,
    "links": prose.bad_links,
    "words": prose.bad_words,
    "figures": prose.bad_figures,
    "dependencies": dependencies,
    "paths": machine_paths,
    "safety": lambda: safety.unsafe_calls(sources.ROOT),
    "secrets": lambda: safety.secrets(sources.ROOT),
}


def main():
    failed = 0
    for title, find in CHECKS.items():
        problems = find()
        failed += bool(problems)
        print(f"{title:14} {'ok' if not problems else f'{len(problems)} to mend'}", flush=True)
        for line in problems:
            print(f"    {line}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
