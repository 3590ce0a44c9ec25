"""The magic `%%rust`, through IPython itself: real compilations, real runs, and what can go wrong."""

import base64
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass

import pytest
from IPython.core.interactiveshell import InteractiveShell
from IPython.utils.capture import capture_output
from traitlets.config import Config

from dlcourse.course import rust
from dlcourse.course.rust import compiler, crates, magic, toolchain

HELLO = 'fn main() { println!("hello"); }'
MOVED = 'fn main() {\n    let a = vec![1];\n    let b = a;\n    println!("{a:?} {b:?}");\n}'

needs_rust = pytest.mark.skipif(
    not shutil.which("rustc") and not os.environ.get("CI"), reason=toolchain.HOW_TO_GET_RUST
)


@dataclass
class Ran:
    """A cell that was run: its error (None if it had none), printed text, rich outputs, seconds."""

    error: BaseException | None
    text: str
    rich: list
    seconds: float


@pytest.fixture(scope="module")
def shell():
    shell = InteractiveShell.instance(config=Config({"HistoryManager": {"enabled": False}}))
    shell.run_line_magic("load_ext", "dlcourse.course.rust")
    shell.colors = "nocolor"
    yield shell
    InteractiveShell.clear_instance()


@pytest.fixture
def cell(shell, tmp_path, monkeypatch):
    """Run a Rust cell with a cache of its own (the crates that cargo built are shared)."""
    monkeypatch.setenv("CARGO_TARGET_DIR", str(crates.target_folder()))
    monkeypatch.setenv("DLCOURSE_CACHE", str(tmp_path))

    def run(options, source, **variables):
        shell.user_ns.update(variables)
        started = time.monotonic()
        with capture_output() as captured:
            result = shell.run_cell(f"%%rust {options}\n{source}")
        assert captured.stderr == ""  # nbgrader takes points away for it
        rich = [output.data for output in captured.outputs]
        seconds = time.monotonic() - started
        return Ran(result.error_in_exec, compiler.ANSI.sub("", captured.stdout), rich, seconds)

    return run


def last_line(ran):
    return ran.text.splitlines()[-1]


# What a cell does


@needs_rust
def test_a_program_is_compiled_once_and_its_output_shown(cell, tmp_path):
    first, second = cell("", HELLO), cell("", HELLO)
    assert first.error is None and first.text == second.text == "hello\n"
    assert second.seconds < 0.5
    assert len(list((tmp_path / "cells").iterdir())) == 1


@needs_rust
def test_a_new_std_cell_takes_half_a_second(cell):
    cell("", HELLO)  # finds the toolchain
    times = [
        cell("", f"fn main() {{ println!({number}.to_string()) }}".replace("(", "(", 1)) for number in ()
    ]
    times = [cell("", HELLO.replace("hello", f"hello {number}")).seconds for number in range(3)]
    assert min(times) < 0.5, times


@needs_rust
def test_warnings_are_shown_before_the_output(cell):
    ran = cell("", 'fn main() { let mut unused = 1; println!("done"); }')
    assert ran.error is None and "warning: unused variable" in ran.text and last_line(ran) == "done"


@needs_rust
def test_release_optimises_and_is_another_program(cell, tmp_path):
    source = 'fn main() { println!("{}", cfg!(debug_assertions)); }'
    assert (cell("", source).text, cell("--release", source).text) == ("true\n", "false\n")
    assert len(list((tmp_path / "cells").iterdir())) == 2


@needs_rust
def test_tests_run_in_order_without_times(cell):
    source = "#[test] fn b() {}\n#[test] fn a() { assert_eq!(1 + 1, 2); }"
    ran = cell("--test", source)
    assert (
        ran.error is None and "test a ... ok\ntest b ... ok\n" in ran.text and "finished in" not in ran.text
    )
    ran = cell("--test", source.replace("2)", "3)"))
    assert last_line(ran) == "the program ended with exit status 101: a test failed"


@needs_rust
def test_libraries_are_modules_of_the_cells_that_use_them(cell, shell):
    cell("--lib gates", "pub fn and(a: bool, b: bool) -> bool { a && b }")
    cell("--lib half --use gates", "pub fn carry(a: bool, b: bool) -> bool { crate::gates::and(a, b) }")
    assert rust.library("gates").startswith("pub fn and")
    ran = cell("--use half", 'mod gates;\nmod half;\nfn main() { println!("{}", half::carry(true, false)); }')
    assert (ran.error, ran.text) == (None, "false\n")


@needs_rust
def test_a_library_that_does_not_compile_says_so_at_once(cell):
    ran = cell("--lib broken", "pub fn one() -> u8 { 1.0 }")
    assert "--> broken.rs:1:22" in ran.text and last_line(ran) == "rustc refuses this cell: E0308"


def test_an_unknown_library_is_named(cell):
    with pytest.raises(KeyError, match="no cell `%%rust --lib nowhere` has run"):
        rust.library("nowhere")
    assert "no cell `%%rust --lib nowhere` has run" in last_line(cell("--use nowhere", HELLO))


@needs_rust
def test_json_goes_in_and_comes_out(cell, shell):
    source = """
        fn main() {
            let text = std::io::read_to_string(std::io::stdin()).unwrap();
            let numbers = text.trim_matches(['[', ']']).split(',').map(|n| n.trim().parse::<f64>().unwrap());
            println!("{{\\"sum\\": {}, \\"args\\": {:?}}}", numbers.sum::<f64>(),
                     std::env::args().skip(1).collect::<Vec<_>>());
        }"""
    ran = cell("--stdin numbers --out answer --args 'a \"b c\"'", source, numbers=[1.5, 2, 3])
    assert (ran.error, ran.text) == (None, "")
    assert shell.user_ns["answer"] == {"sum": 6.5, "args": ["a", "b c"]}


@needs_rust
def test_arrays_and_strings_go_in(cell):
    import numpy as np

    echo = 'fn main() { print!("{}", std::io::read_to_string(std::io::stdin()).unwrap()); }'
    assert cell("--stdin x", echo, x=np.eye(2)).text == "[[1.0, 0.0], [0.0, 1.0]]\n"
    assert cell("--stdin x", echo, x="a,b\n1,2\n").text == "a,b\n1,2\n"
    assert last_line(cell("--stdin x", echo, x=object())) == (
        "%%rust --stdin x: expected a value JSON can hold, got object"
    )
    assert "there is no Python variable" in last_line(cell("--stdin missing", echo))


@needs_rust
def test_output_that_is_no_json_is_refused(cell, shell):
    shell.user_ns["x"] = "old"
    assert last_line(cell("--out x", HELLO)).startswith("%%rust --out x: expected JSON on stdout")
    assert shell.user_ns["x"] == "old"


PIXEL = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNkYPhfDwAChwGA60e6kgAAAABJRU5ErkJggg=="
)


@needs_rust
def test_pictures_are_shown_in_order_with_their_descriptions(cell):
    source = f"""
        fn main() {{
            std::fs::write("2.png", {list(PIXEL)}).unwrap();
            std::fs::write("1.svg", "<svg width='9'></svg>").unwrap();
            std::fs::write("notes.txt", "no picture").unwrap();
        }}"""
    first, second = cell('--alt "a <b>" --alt dot', source).rich
    assert first["image/svg+xml"] == '<svg role="img" aria-label="a &lt;b&gt;" width=\'9\'></svg>'
    assert base64.b64decode(second["image/png"]) == PIXEL and second["text/plain"] == "dot"


# What rustc refuses


@needs_rust
@pytest.mark.parametrize(
    "code, source",
    [
        ("E0277", "fn main() { let x = 2u8; let _ = x * 0.5; }"),
        ("E0382", MOVED),
        ("E0432", "use rand::random;\nfn main() {}"),
    ],
)
def test_an_expected_error_is_the_lesson(cell, code, source):
    ran = cell(f"--expect {code}", source)
    assert ran.error is None and f"error[{code}]" in ran.text and "--> cell.rs:" in ran.text
    (explanation,) = ran.rich
    assert f"rustc --explain {code}" in explanation["text/html"] and "<details>" in explanation["text/html"]


@needs_rust
def test_anything_but_the_expected_error_fails(cell):
    assert last_line(cell("--expect E0382", HELLO)) == (
        "expected rustc to refuse this cell with E0382, but it compiles"
    )
    assert last_line(cell("--expect E0499", MOVED)) == (
        "expected rustc to refuse this cell with E0499, but it says E0382"
    )
    both = MOVED.replace("vec![1]", "vec![1u8 * 0.5]")
    assert last_line(cell("--expect E0277", both + "fn f() -> u8 { missing }")).endswith("E0277 and E0425")


@needs_rust
def test_with_another_rustc_only_the_code_counts(cell, monkeypatch):
    monkeypatch.setattr(toolchain, "PINNED", "1.2")
    ran = cell("--expect E0382", MOVED)
    assert ran.error is None and "only the code E0382 was compared" in last_line(ran)


@needs_rust
def test_a_cell_that_does_not_compile_fails_in_one_line(cell):
    ran = cell("", MOVED)
    assert isinstance(ran.error, rust.CellFailed)
    assert last_line(ran) == "rustc refuses this cell: E0382" and "Traceback" not in ran.text
    assert last_line(cell("", "fn main() {")) == "rustc refuses this cell: an error without code"


@needs_rust
def test_messages_hold_nothing_of_this_machine(cell, tmp_path):
    chain = "(0..3).map(|x| [x].into_iter().map(|y| y + 1).filter(|z| *z > 1)).zip(0..2).rev()"
    long_type = f"fn main() {{ let _: u32 = {chain}; }}"
    for source in (MOVED, long_type, "fn main() { for _ in 3u8 {} }"):
        text = cell("", source).text
        assert "error[" in text
        for private in (str(tmp_path), "/rustc/", "long-type", os.path.expanduser("~"), "/tmp"):
            assert private not in text


@needs_rust
def test_colours_are_those_that_the_book_can_show(shell, monkeypatch, tmp_path):
    monkeypatch.setenv("DLCOURSE_CACHE", str(tmp_path))
    text = compiler.build(MOVED).text
    assert "\x1b[31m" in text and "\x1b[9" not in text


def test_a_wrong_option_is_named(cell):
    assert last_line(cell("--fast", HELLO)) == "%%rust: unrecognized arguments: --fast"
    assert "expected a name, got 'a-b'" in last_line(cell("--lib a-b", HELLO))


# What programs do wrong


@needs_rust
def test_a_panic_shows_its_message_and_the_exit_status(cell):
    source = 'fn main() { let v: Vec<u8> = vec![]; println!("before"); println!("{}", v[1]); }'
    ran = cell("", source)
    assert ran.text == (
        "before\n\nthread 'main' panicked at cell.rs:1:74:\n"
        "index out of bounds: the len is 0 but the index is 1\n"
        "the program ended with exit status 101: it panicked\n"
    )
    assert cell("--expect panic", source).error is None
    assert "expected the program to panic" in last_line(cell("--expect panic", HELLO))


@needs_rust
def test_other_exit_statuses_are_told(cell):
    assert (
        last_line(cell("", "fn main() { std::process::exit(3); }")) == "the program ended with exit status 3"
    )
    if os.name == "posix":
        assert last_line(cell("", "fn main() { std::process::abort(); }")).endswith("ended by signal 6")


@needs_rust
def test_an_endless_loop_is_stopped(cell):
    ran = cell("--timeout 1", "fn main() { loop { std::hint::spin_loop(); } }")
    assert last_line(ran).startswith("the program did not finish within 1 s and was stopped")
    assert 1 <= ran.seconds < 3
    assert cell("", HELLO).text == "hello\n"  # the kernel survives


@needs_rust
def test_a_program_that_waits_for_input_gets_none(cell):
    source = 'fn main() { let mut s = String::new(); println!("{:?}", std::io::stdin().read_line(&mut s)); }'
    assert cell("--timeout 5", source).text == "Ok(0)\n"


@needs_rust
def test_a_gigabyte_of_output_is_cut_short(cell):
    source = """
        use std::io::Write;
        fn main() {
            let line = "x".repeat(99) + "\\n";
            let mut out = std::io::BufWriter::new(std::io::stdout());
            for _ in 0..10_000_000 { out.write_all(line.as_bytes()).unwrap(); }
        }"""
    ran = cell("--timeout 60", source)
    assert last_line(ran) == "the program printed more than 8 MB and was stopped"
    assert len(ran.text) < 65_000 and "is not shown" in ran.text and ran.seconds < 10


@needs_rust
def test_long_output_is_cut_at_a_line(cell):
    ran = cell("", 'fn main() { for i in 0..20_000 { println!("line {i}"); } }')
    assert cell("", 'fn main() { print!("{}", "x".repeat(500_000)); }').seconds < 2
    assert ran.error is None and len(ran.text) < 65_000
    assert last_line(ran) == "… the rest, beyond 64,000 characters, is not shown"


# Caches, machines, neighbours


@needs_rust
@pytest.mark.parametrize("damage", ["truncated program", "no program", "no record", "record in ruins"])
def test_a_damaged_cache_entry_is_built_again(cell, tmp_path, damage):
    cell("", HELLO)
    (entry,) = (tmp_path / "cells").iterdir()
    program, record = entry / json.loads((entry / "build.json").read_text())["program"], entry / "build.json"
    if damage == "truncated program":
        program.write_bytes(program.read_bytes()[:1000])
    else:
        {"no program": program.unlink, "no record": record.unlink}.get(
            damage, lambda: record.write_text("{")
        )()
    assert cell("", HELLO).text == "hello\n"


@needs_rust
def test_two_processes_compile_the_same_cell_at_once(tmp_path):
    code = f"from dlcourse.course import rust; print(rust.compile_and_run({HELLO!r}).stdout, end='')"
    environment = os.environ | {"DLCOURSE_CACHE": str(tmp_path)}
    started = [
        subprocess.Popen([sys.executable, "-c", code], env=environment, stdout=subprocess.PIPE, text=True)
        for _ in range(3)
    ]
    assert [process.communicate(timeout=60)[0] for process in started] == ["hello\n"] * 3
    assert len(list((tmp_path / "cells").iterdir())) == 1


@needs_rust
def test_the_cache_forgets_what_is_used_least(cell, tmp_path, monkeypatch):
    cell("", HELLO)
    (old,) = (tmp_path / "cells").iterdir()
    monkeypatch.setattr(compiler, "CACHE_BYTES", 1000)
    cell("", HELLO.replace("hello", "other"))
    assert not old.exists()


@needs_rust
def test_another_rustc_is_another_program(cell, tmp_path, monkeypatch):
    cell("", HELLO)
    found = toolchain.toolchain()
    other = toolchain.Toolchain(found.rustc, found.cargo, found.description + "patched")
    monkeypatch.setattr(compiler, "toolchain", lambda: other)
    cell("", HELLO)
    assert len(list((tmp_path / "cells").iterdir())) == 2


def test_without_rust_a_cell_says_how_to_get_it(cell, shell, monkeypatch, tmp_path):
    for name in ("CI", "RUSTC"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    shell.user_ns["x"] = "old"
    ran = cell("--out x", HELLO)
    assert (ran.error, ran.text) == (None, toolchain.HOW_TO_GET_RUST + "\n") and shell.user_ns["x"] is None
    cell("--lib later", "pub fn f() {}")
    assert rust.library("later") == "pub fn f() {}\n"
    with pytest.raises(rust.RustMissing, match="rustup.rs"):
        rust.compile_and_run(HELLO)
    monkeypatch.setenv("CI", "true")
    assert isinstance(cell("", HELLO).error, rust.RustMissing)


@pytest.mark.parametrize(
    "platform, variable, tail",
    [
        ("linux", "XDG_CACHE_HOME", "dlcourse"),
        ("win32", "LOCALAPPDATA", "dlcourse"),
        ("darwin", None, "Library/Caches/dlcourse"),
    ],
)
def test_the_cache_lies_where_the_system_wants_it(platform, variable, tail, monkeypatch, tmp_path):
    monkeypatch.delenv("DLCOURSE_CACHE", raising=False)
    monkeypatch.setattr(toolchain.sys, "platform", platform)
    monkeypatch.setenv(variable or "HOME", str(tmp_path))
    assert toolchain.cache_folder() == tmp_path / tail


# The plain functions


@needs_rust
def test_compile_and_run():
    source = 'fn main() { print!("{}", std::env::args().nth(1).unwrap()); std::process::exit(2); }'
    assert rust.compile_and_run(source, args=["a b"]) == rust.Result(2, "a b", "")
    refused = rust.compile_and_run(MOVED)
    assert not refused.compiled and refused.codes == ("E0382",) and "\x1b" not in refused.stderr
    slow = rust.compile_and_run("fn main() { loop {} }", timeout=0.5)
    assert slow.stopped == "did not finish within 0.5 s and was stopped" and slow.returncode != 0
    assert rust.rustc_version().count(".") == 2


# The members


def test_a_missing_member_is_named(cell):
    if shutil.which("rustc"):
        assert last_line(cell("--crates nothing", HELLO)).startswith(
            "--crates nothing: expected a member of the workspace (arrays, "
        )


def test_no_network_at_the_first_use(monkeypatch):
    error = "error: failed to download `x`\n  Caused by: Could not resolve host"
    assert "there is no network" in crates._reason("arrays", error)
    broken = "warning: one\nerror[E0308]: mismatched types\nerror: could not compile `arrays`"
    assert crates._reason("arrays", broken).endswith(
        "could not build its crates: error[E0308]: mismatched types"
    )


@needs_rust
def test_an_arrays_cell(cell):
    source = """
        use ndarray::array;
        use plotters::prelude::*;
        use rand::{RngExt, SeedableRng, rngs::StdRng};
        fn main() {
            let u: f64 = StdRng::seed_from_u64(1).random();
            println!("{} {}", array![1.0, 2.0].dot(&array![3.0, 4.0]), (0.0..1.0).contains(&u));
            let area = SVGBackend::new("dot.svg", (20, 20)).into_drawing_area();
            area.draw(&Circle::new((10, 10), 5, dlcourse_arrays::BLUE.filled())).unwrap();
            area.present().unwrap();
        }"""
    first = cell("--crates arrays --alt dot", source)
    assert (first.error, first.text) == (None, "11 true\n") and "<circle" in first.rich[0]["image/svg+xml"]
    assert cell("--crates arrays --alt dot", source.replace("3.0", "5.0")).seconds < 5
    ran = cell(
        "--crates arrays",
        "fn main() { ndarray::Array2::<f64>::zeros((2, 3)).dot(&ndarray::Array2::zeros((2, 3))); }",
    )
    assert (
        "panicked at ndarray-0.17" in ran.text and "are not compatible for matrix multiplication" in ran.text
    )


@needs_rust
@pytest.mark.slow
def test_the_first_build_shows_progress_and_leaves_nothing(cell, shell, tmp_path, monkeypatch):
    monkeypatch.setenv("CARGO_TARGET_DIR", str(tmp_path / "target"))
    lines = []
    monkeypatch.setattr(magic.show.Progress, "__call__", lambda self, line: lines.append(line))
    ran = cell("--crates arrays", HELLO)
    assert ran.text == "hello\n" and ran.rich == []
    assert any("Building the crates of `arrays`" in line for line in lines), lines
    before = set(os.listdir(crates.WORKSPACE))
    monkeypatch.setenv("CARGO_NET_OFFLINE", "true")
    assert cell("--crates arrays", HELLO.replace("hello", "again")).text == "again\n"
    assert before == set(os.listdir(crates.WORKSPACE))
