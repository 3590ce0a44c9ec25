"""What must not be in the repository: calls that run what a file says, and secrets.

A file that is loaded may come from anybody, so nothing is unpickled, and no shell sees a name. What is
allowed all the same stands in ALLOWED with its reason; an entry that nothing needs any more is reported, too.
"""

import ast
import re
import subprocess
import warnings

LOADS_CODE = "runs code that the file brings along"
IN_A_SHELL = "a shell would read names as commands: pass a list"
CALLS = {  # the end of a call's dotted name -> why not
    **dict.fromkeys(("pickle.load", "pickle.loads", "Unpickler", "read_pickle"), LOADS_CODE),
    **dict.fromkeys(("cloudpickle.load", "cloudpickle.loads", "dill.load", "dill.loads"), LOADS_CODE),
    **dict.fromkeys(("joblib.load", "marshal.load", "marshal.loads", "shelve.open"), LOADS_CODE),
    **dict.fromkeys(("yaml.load", "yaml.full_load", "yaml.unsafe_load"), "builds any object: yaml.safe_load"),
    **dict.fromkeys(("os.system", "os.popen", "getoutput", "getstatusoutput"), IN_A_SHELL),
    "extractall": "writes wherever the archive says: read its members",
    "tempfile.mktemp": "somebody else may take the name first: mkstemp",
    "_create_unverified_context": "takes any server for the right one",
}
OPTIONS = {  # a keyword and its value -> why not
    ("shell", True): IN_A_SHELL,
    ("allow_pickle", True): LOADS_CODE,
    ("verify", False): "takes any server for the right one",
}
ALLOWED = {  # (file, call) -> why it may stand there
    ("dlcourse/course/grading/inside/run_answers.py", "pickle.load"): "our own job, read within the sandbox",
    ("dlcourse/course/rust/native.py", "extractall"): "a wheel that was built here in this moment",
    ("notebooks/11_mlp_project.md", "pickle.loads"): "shows why not, on an object made in the same line",
    ("tests/test_release_zip.py", "extractall"): "the archive that the test has made",
}
SECRETS = {
    "a private key": r"-----BEGIN (?:[A-Z]+ )*PRIVATE KEY-----",
    "an AWS key": r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b",
    "a GitHub token": r"\b(?:gh[pousr]_[A-Za-z0-9]{36}|github_pat_\w{40})",
    "a GitLab token": r"\bglpat-[\w-]{20}",
    "a Slack token": r"\bxox[abprs]-[\w-]{10}",
    "a Google key": r"\bAIza[\w-]{35}\b",
    "an API key": r"\bsk-[A-Za-z0-9_-]{32}",
    "a Hugging Face token": r"\bhf_[A-Za-z0-9]{34}\b",
    "a PyPI token": r"\bpypi-AgE[\w-]{20}",
    "an npm token": r"\bnpm_[A-Za-z0-9]{36}\b",
    "a JSON web token": r"\beyJ[\w-]{10,}\.eyJ[\w-]{10,}\.",
    "a password in an address": r"://[^\s/:@\"'{}<>]+:[^\s/:@\"'{}<>]+@",
    "a password": r"(?i)(?:passw(?:or)?d|secret|api_?key|auth_?token)\W?\s*[:=]\s*([\"'])[^\s\"'{}<>]{8,}\1",
}
PICTURE = re.compile(r'": "[A-Za-z0-9+/=\\n]{200,}"')  # in a notebook
SECRETS = {what: re.compile(pattern) for what, pattern in SECRETS.items()}
SECRET_FILES = re.compile(
    r"(?:^|/)(?:\.env|\.netrc|\.pypirc|\.npmrc|id_(?:rsa|dsa|ecdsa|ed25519)|.*\.(?:pem|p12|pfx|key))$"
)
BUILT = {".venv", "build", "target", "node_modules"}
CELL = re.compile(r"^```\{code-cell\}[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)


def tracked(root):
    """The files that git knows or would add, by name from the root; without git, all that were not built."""
    command = ["git", "ls-files", "-z", "-co", "--exclude-standard"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True)
    if listed.returncode == 0:
        found = [root / name for name in listed.stdout.split("\0") if name]
    else:
        found = [path for path in root.rglob("*") if not BUILT & set(path.relative_to(root).parts)]
    return sorted(path.relative_to(root).as_posix() for path in found if path.is_file())


def programs(name, text):
    """(first line, Python source) of a module, or of each Python cell of a chapter."""
    if name.endswith(".py"):
        yield 1, text
    elif name.startswith("notebooks/") and name.endswith(".md"):
        for cell in CELL.finditer(text):
            if "%%" not in cell[1]:  # another language
                lines = (re.sub(r"^(\s*)[%!].*", r"\1pass", line) for line in cell[1].split("\n"))
                source = "\n".join("" if re.match(r":\w+:", line) else line for line in lines)
                yield text.count("\n", 0, cell.start(1)) + 1, source


def calls(source):
    """(line, what is called, why not) for each call that must not be."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", SyntaxWarning)
        tree = ast.parse(source)
    imported = {
        alias.asname or alias.name: f"{node.module}.{alias.name}"
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    }
    for node in ast.walk(tree):
        if not isinstance(node, ast.Call):
            continue
        called = ast.unparse(node.func)
        called = imported.get(called, called)
        for end, why in CALLS.items():
            if called == end or called.endswith(f".{end}"):
                yield node.lineno, end, why
        given = {word.arg: word.value.value for word in node.keywords if isinstance(word.value, ast.Constant)}
        for (option, value), why in OPTIONS.items():
            if given.get(option, not value) is value:
                yield node.lineno, f"{option}={value}", why
        if called == "torch.load" and given.get("weights_only") is not True:
            yield node.lineno, "torch.load", "without weights_only=True it " + LOADS_CODE


def unsafe_calls(root):
    """Each call that must not be, and each permission that nothing needs, as a line."""
    problems, needed = [], set()
    for name in tracked(root):
        if not name.endswith((".py", ".md")):
            continue
        for first, source in programs(name, (root / name).read_text(encoding="utf-8")):
            try:
                found = list(calls(source))
            except SyntaxError:  # a cell that shows one
                continue
            for line, call, why in found:
                if (name, call) in ALLOWED:
                    needed.add((name, call))
                else:
                    problems.append(f"{name}, line {first + line - 1}: {call}: {why}")
    unneeded = [(name, call) for name, call in ALLOWED.keys() - needed if (root / name).exists()]
    return problems + [f"tools/safety.py: {name} no longer calls {call}" for name, call in sorted(unneeded)]


def secrets(root):
    """Each thing that looks like a secret, as a line; never the secret itself."""
    problems = []
    for name in tracked(root):
        if SECRET_FILES.search(name):
            problems.append(f"{name}: such a file holds secrets")
        try:
            text = PICTURE.sub("", (root / name).read_text(encoding="utf-8"))
        except UnicodeDecodeError:  # a picture
            continue
        for what, pattern in SECRETS.items():
            for found in pattern.finditer(text):
                line = text.count("\n", 0, found.start()) + 1
                problems.append(f"{name}, line {line}: looks like {what}")
    return problems
