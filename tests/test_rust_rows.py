"""The page "The crates, by row": its programs print what it shows, and what it says of older code is so.

`pytest -s tests/test_rust_rows.py` prints the table: row, release, output, whether it is the page's.
"""

import os
import re
import shutil
import subprocess

import pytest
from markdown_it.renderer import RendererHTML

from dlcourse.course import sources
from dlcourse.course.rust import compile_and_run, crates, toolchain
from tools import book_crates

needs_cargo = pytest.mark.skipif(
    not shutil.which("cargo") and not os.environ.get("CI"), reason=toolchain.HOW_TO_GET_RUST
)
ROWS = book_crates.rows()
VERSIONS = book_crates.versions()
HEAVY = ("tch", "candle", "burn", "gpu")


def having(key):
    """The rows that have this key; those whose crates take minutes to build are slow."""

    def parameter(row):
        marks = [pytest.mark.slow] if row.get("member") in HEAVY else []
        return pytest.param(row, marks=marks, id=book_crates.anchor(row))

    return [parameter(row) for row in ROWS if key in row]


# --- The programs ---------------------------------------------------------------------------------------


@needs_cargo
@pytest.mark.parametrize("row", having("program"))
def test_a_live_row_prints_what_the_page_shows(row):
    if shutil.which(row.get("unless", "")):
        pytest.skip(f"with {row['unless']} here, that is a GPU, the program prints something else")
    result = compile_and_run(row["program"], member=row.get("member"), timeout=60)
    passed = (result.returncode, result.stdout) == (0, row["prints"])
    output = " / ".join(result.stdout.split("\n")[:-1])
    print(
        f"| {row['system']} | {book_crates.here(row, VERSIONS)} | {output} | {'pass' if passed else 'FAIL'} |"
    )
    assert passed, result.stdout + result.stderr


@needs_cargo
@pytest.mark.parametrize("row", having("old"))
def test_older_code_is_refused_with_the_codes_the_page_names(row):
    result = compile_and_run(row["old"], member=row["member"])
    assert not result.compiled and list(result.codes) == row["codes"], result.stderr


@needs_cargo
@pytest.mark.slow
@pytest.mark.parametrize("row", having("bench"))
def test_a_benchmark_runs(row):
    rust = toolchain.toolchain()
    command = [
        rust.cargo,
        "bench",
        "--locked",
        "-p",
        "dlcourse-arrays",
        "--bench",
        row["bench"],
        "--",
        "--test",
    ]
    environment = crates.cargo_environment(rust)
    done = subprocess.run(command, cwd=crates.WORKSPACE, env=environment, capture_output=True, text=True)
    assert done.returncode == 0 and done.stdout.count("Success") >= 2, done.stdout + done.stderr


# --- Older releases, each in a package of its own, outside of the workspace ------------------------------


def check_package(folder, dependencies, examples):
    """Write a package and return what `cargo check` says to it."""
    (folder / "src").mkdir()
    (folder / "src" / "lib.rs").touch()
    (folder / "examples").mkdir()
    for name, program in examples.items():
        (folder / "examples" / f"{name}.rs").write_text(program)
    wanted = "".join(f'{name} = "={version}"\n' for name, version in dependencies.items())
    package = '[package]\nname = "older"\nversion = "0.0.0"\nedition = "2021"\n[dependencies]\n'
    (folder / "Cargo.toml").write_text(package + wanted)
    rust = toolchain.toolchain()
    environment = crates.cargo_environment(rust) | {"CARGO_TARGET_DIR": str(folder / "target")}
    command = [rust.cargo, "check", "--lib", "--examples", "--keep-going"]
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


@needs_cargo
@pytest.mark.slow
def test_the_textbooks_releases_still_compile_with_the_code_for_them(tmp_path):
    pinned, examples = {}, {}
    for row in ROWS:
        pinned |= row.get("textbook", {})
        program = "textbook" in row and (row.get("old") or row.get("program"))
        if program:
            examples[book_crates.anchor(row)] = program
    done = check_package(tmp_path, pinned, examples)
    assert done.returncode == 0, done.stderr
    checked = {path.name.split("-")[0] for path in tmp_path.glob("target/debug/deps/*.rmeta")}
    assert {f"lib{name.replace('-', '_')}" for name in pinned} <= checked


@needs_cargo
@pytest.mark.slow
def test_bincode_3_holds_only_a_compile_error(tmp_path):
    done = check_package(tmp_path, {"bincode": "3.0.0"}, {})
    assert done.returncode == 101 and "could not compile `bincode`" in done.stderr, done.stderr
    (where,) = re.findall(r"--> (\S+bincode-3\.0\.0\S+lib\.rs):1:1", done.stderr)
    with open(where) as file:
        (statement,) = file.read().strip().splitlines()
    assert statement.startswith("compile_error!(")


# --- The page -------------------------------------------------------------------------------------------


def test_the_page_shows_every_row_with_the_locked_release():
    text, files = book_crates.crates_markdown()
    for row in ROWS:
        entry = text.partition(f"({book_crates.anchor(row)})=\n")[2].partition("\n(crate-")[0]
        assert f"### {row['system']}\n" in entry
        assert all(version in entry for name in row["crates"] for version in VERSIONS[name])
        assert row.get("program", "").rstrip() in entry and row.get("why", "") in entry
        assert f"[{row['system']}](#{book_crates.anchor(row)})" in text
    assert sources.ROOT / "rust" / "Cargo.lock" in files


def test_every_row_becomes_a_section():
    parsers = pytest.importorskip(
        "myst_parser.parsers.mdit", reason="the book is built with the extra `book`"
    )
    config = parsers.MdParserConfig(enable_extensions={"colon_fence", "deflist"})
    text, _ = book_crates.crates_markdown()
    tokens = parsers.create_md_parser(config, RendererHTML).parse(text)
    headings = [after.content for token, after in zip(tokens, tokens[1:]) if token.type == "heading_open"]
    expected = []
    for group in book_crates.groups():
        expected += [group["group"], *(row["system"] for row in group["rows"])]
    assert headings == expected


def test_releases_follow_the_lock_file(tmp_path):
    lock = (sources.ROOT / book_crates.LOCK).read_text()
    (rayon,) = VERSIONS["rayon"]
    for name in (book_crates.LOCK, book_crates.TOOLCHAIN):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(sources.ROOT / name, tmp_path / name)
    (tmp_path / book_crates.LOCK).write_text(
        lock.replace(f'"rayon"\nversion = "{rayon}"', '"rayon"\nversion = "9.9.9"')
    )
    assert book_crates.versions(tmp_path)["rayon"] == ["9.9.9"]


def test_releases_that_only_dependencies_ask_for_are_left_out():
    lock = (sources.ROOT / book_crates.LOCK).read_text()
    assert len(re.findall(r'^name = "rand"$', lock, re.M)) > 1 == len(VERSIONS["rand"])


def test_every_row_is_live_or_says_why_not():
    for row in ROWS:
        assert ("program" in row) != ("why" in row), row["system"]
        assert ("program" in row) == ("prints" in row) and ("old" in row) == ("codes" in row), row["system"]
        assert row["crates"] or book_crates.status(row) == book_crates.DESCRIBED, row["system"]


def test_programs_are_as_narrow_as_the_page():
    lines = [line for row in ROWS for key in ("program", "old") for line in row.get(key, "").split("\n")]
    assert [line for line in lines if len(line) > 75] == []


def test_chapters_are_found_by_the_crates_their_cells_name():
    row = {"crates": ["rand", "linfa-clustering"]}
    cells = {
        "a": "use rand::Rng;",
        "b": "let m = linfa_clustering::KMeans;",
        "c": "operand::x",
        "d": "// rand",
    }
    assert book_crates.chapters_of(row, cells) == ["a", "b"]
    assert book_crates.chapters_of({"crates": []}, cells) == []
    std = {"crates": ["rustc"], "names": ["std::thread"]}
    assert book_crates.chapters_of(std, {"a": "use std::thread;", "b": "thread"}) == ["a"]
    assert "[chapter 7](../notebooks/07_perceptron_xor.ipynb)" in book_crates.in_course(
        row, {"07_perceptron_xor": "rand::random()"}
    )
