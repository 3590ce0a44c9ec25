"""The page "The crates, by row": what book/crates.yml says, with versions from rust/Cargo.lock.

Which releases the course uses is read from the lock file, and where it uses them from the chapters; whether
the programs print what the page shows is decided by tests/test_rust_rows.py.
"""

import re
import tomllib

import yaml

from dlcourse.course import sources

DATA, LOCK = "book/crates.yml", "rust/Cargo.lock"
TOOLCHAIN = "rust/rust-toolchain.toml"
DESCRIBED = "described only"


def groups(root=sources.ROOT):
    """The rows of book/crates.yml: a list of {"group": title, "rows": [...]}."""
    return yaml.safe_load((root / DATA).read_text(encoding="utf-8"))


def rows(root=sources.ROOT):
    return [row for group in groups(root) for row in group["rows"]]


# --- What is read instead of written --------------------------------------------------------------------


def versions(root=sources.ROOT):
    """{package: its releases} of what the members of the workspace ask for themselves, and of rustc.

    The lock file names a dependency alone, or with its release where it holds several.
    """
    packages = tomllib.loads((root / LOCK).read_text(encoding="utf-8"))["package"]
    members = [package for package in packages if package["name"].startswith("dlcourse-")]
    wanted = {name for member in members for name in member.get("dependencies", [])}
    found = {}
    for package in packages:
        name, version = package["name"], package["version"]
        if name in wanted or f"{name} {version}" in wanted:
            found.setdefault(name, []).append(version)
    channel = tomllib.loads((root / TOOLCHAIN).read_text(encoding="utf-8"))["toolchain"]["channel"]
    return found | {"rustc": [channel]}


def rust_cells():
    """{slug: all Rust of a chapter, as one text}."""
    cells = {slug: [cell.source for cell in sources.read(slug).cells] for slug in sources.chapters()}
    return {slug: "\n".join(filter(sources.is_rust, found)) for slug, found in cells.items()}


def chapters_of(row, cells):
    """The slugs of the chapters whose Rust cells name one of the row's crates."""
    names = row.get("names") or [f"{name.replace('-', '_')}::" for name in row["crates"]]
    used = re.compile("|".join(rf"(?<!\w){re.escape(name)}" for name in names) or r"(?!)")
    return [slug for slug, text in cells.items() if used.search(text)]


# --- Markdown -------------------------------------------------------------------------------------------


def anchor(row):
    return "crate-" + re.sub(r"\W+", "-", row["system"].lower()).strip("-")


def listed(words):
    """One; one and two; one, two and three."""
    *first, last = words
    return f"{', '.join(first)} and {last}" if first else last


def here(row, found):
    """The releases of a row's crates, each with its name where there are several crates; "" for none."""
    if len(row["crates"]) == 1:
        return listed(found[row["crates"][0]])
    return "; ".join(f"{name} {listed(found[name])}" for name in row["crates"])


def status(row):
    if "bench" in row:
        return "live, as a benchmark"
    return "live" if "program" in row else DESCRIBED


def pins(row):
    return listed([f"{name} {version}" for name, version in row["textbook"].items()])


def since(row):
    """What changed since the textbooks' release: words, and what the compiler says to their code."""
    said = [row["since"]] if "since" in row else []
    if "old" in row:
        said.append(f"Code written for the older release is refused: {listed(row['codes'])}.")
    elif "textbook" in row and "program" in row:
        said.append(f"The program below compiles with {pins(row)} too, unchanged.")
    return " ".join(said) or "Not compared with an older release."


def in_course(row, cells):
    """Where a reader meets the row, or why nowhere."""
    links = [f"[chapter {int(slug[:2])}](../notebooks/{slug}.ipynb)" for slug in chapters_of(row, cells)]
    if links:
        return f"Live, in {listed(links)}."
    if "why" in row:
        return f"{status(row).capitalize()}: {row['why']}"
    where = f"in the member `{row['member']}` of the workspace" if "member" in row else "on this page"
    return f"Live, {where}; no chapter of this edition uses it."


def programs(row):
    """The row's programs, folded: the live one with its output, the older one with its errors."""
    parts = []
    if "program" in row:
        parts += ["```rust", row["program"].rstrip(), "```", "", "It prints:", ""]
        parts += ["```text", row["prints"].rstrip(), "```"]
    if "old" in row:
        parts += ["", f"Refused with {listed(row['codes'])}:", "", "```rust", row["old"].rstrip(), "```"]
    options = f" --crates {row['member']}" if "member" in row else ""
    return [f":::{{dropdown}} A program for `%%rust{options}`", *parts, ":::"] if parts else []


def entry(row, found, cells):
    """One row in full: a heading that the table links to, and a list that reads well on a phone."""
    fields = {
        "The textbooks": f"{row['use']} ({row['place']})",
        "They name": row["named"],
        "Here": here(row, found),
        "Since then": since(row),
        "In Python": row["python"],
        "In the course": in_course(row, cells),
    }
    lines = [f"({anchor(row)})=", f"### {row['system']}", ""]
    for name, text in fields.items():
        if text:
            lines += [name, f": {text.strip()}", ""]
    return "\n".join([*lines, *programs(row)])


def table(found, root=sources.ROOT):
    """All rows at a glance, each with a link to its entry; three columns fit a phone."""
    lines = ["| System | They name | Here |", "|---|---|---|"]
    for row in rows(root):
        cells = [f"[{row['system']}](#{anchor(row)})", row["named"], here(row, found) or status(row)]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def crates_markdown(root=sources.ROOT):
    """What `{{ crates }}` stands for, and the files it was read from."""
    found, cells = versions(root), rust_cells()
    parts = [table(found, root)]
    for group in groups(root):
        parts += [f"## {group['group']}", *(entry(row, found, cells) for row in group["rows"])]
    files = [root / name for name in (DATA, LOCK, TOOLCHAIN)]
    return "\n\n".join(parts), files + [sources.source_path(slug) for slug in cells]
