"""The scan for unsafe calls and for secrets finds what is planted; and no shell sees a chapter's name."""

import subprocess

import pytest

from dlcourse.course import sources
from tools import notebooks, safety

LETTERS = "abcdefghijklmnopqrstuvwxyz0123456789" * 2  # secrets are put together here: this file holds none


@pytest.fixture
def repository(tmp_path, monkeypatch):
    """An empty repository; `repository(name, text)` adds a file."""
    subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)

    def write(name, text):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


@pytest.mark.parametrize(
    "line, call",
    [
        ("import pickle\npickle.load(file)", "pickle.load"),
        ("from pickle import loads as read\nread(data)", "pickle.loads"),
        ("import pickle\npickle.Unpickler(file).load()", "Unpickler"),
        ("import numpy as np\nnp.load(path, allow_pickle=True)", "allow_pickle=True"),
        ("import torch\ntorch.load(path)", "torch.load"),
        ("import torch\ntorch.load(path, weights_only=False)", "torch.load"),
        ("from torch import load\nload(path)", "torch.load"),
        ("import pandas as pd\npd.read_pickle(path)", "read_pickle"),
        ("import joblib\njoblib.load(path)", "joblib.load"),
        ("import yaml\nyaml.load(text, yaml.Loader)", "yaml.load"),
        ("import os\nos.system(f'cat {name}')", "os.system"),
        ("import subprocess\nsubprocess.run(f'cat {name}', shell=True)", "shell=True"),
        ("import requests\nrequests.get(url, verify=False)", "verify=False"),
        ("archive.extractall(folder)", "extractall"),
        ("import tempfile\ntempfile.mktemp()", "tempfile.mktemp"),
    ],
)
@pytest.mark.parametrize("kind", ["module", "cell"])
def test_an_unsafe_call_is_named_with_its_line(repository, line, call, kind):
    if kind == "module":
        root, name, first = repository("dlcourse/a.py", f"\n{line}\n"), "dlcourse/a.py", 1
    else:
        text = f"# A\n\n```{{code-cell}} ipython3\n:tags: [setup]\n\n%load_ext a\n{line}\n```\n"
        root, name, first = repository("notebooks/01_a.md", text), "notebooks/01_a.md", 6
    (problem,) = safety.unsafe_calls(root)
    assert problem.startswith(f"{name}, line {first + len(line.splitlines())}: {call}: ")


@pytest.mark.parametrize(
    "line",
    [
        "torch.load(path, weights_only=True)",
        "yaml.safe_load(text)",
        "subprocess.run(['cat', name])",
        "np.load(path)",
        "pickle.dumps(x)",
        "model.load(path)",
        "tmp_path_factory.mktemp('a')",
        "'pickle.load(file)'",
    ],
)
def test_a_safe_call_is_left_alone(repository, line):
    assert safety.unsafe_calls(repository("dlcourse/a.py", line + "\n")) == []


def test_a_permission_that_nothing_needs_is_reported(repository):
    (name, call), *_ = safety.ALLOWED
    root = repository(name, "import pickle\n\n\npickle.load(file)\n")
    assert safety.unsafe_calls(root) == []
    repository(name, "x = 1\n")
    assert safety.unsafe_calls(root) == [f"tools/safety.py: {name} no longer calls {call}"]


PLANTED = {
    "a private key": "-----BEGIN RSA " + "PRIVATE KEY-----",
    "an AWS key": "AKIA" + LETTERS[:16].upper(),
    "a GitHub token": "ghp_" + LETTERS[:36],
    "a GitLab token": "glpat-" + LETTERS[:20],
    "a Slack token": "xoxb-" + LETTERS[:12],
    "a Google key": "AIza" + LETTERS[:35],
    "an API key": "sk-" + LETTERS[:40],
    "a Hugging Face token": "hf_" + LETTERS[:34],
    "a PyPI token": "pypi-AgE" + LETTERS[:30],
    "an npm token": "npm_" + LETTERS[:36],
    "a JSON web token": "eyJ" + LETTERS[:12] + ".eyJ" + LETTERS[:12] + ".x",
    "a password in an address": "https://ada:" + "lovelace@example.org",
    "a password": "pass" + 'word = "correcthorse"',
}


@pytest.mark.parametrize("what", safety.SECRETS)
@pytest.mark.parametrize("name", ["dlcourse/a.py", "notebooks/01_a.ipynb", "Makefile", "book/a.md"])
def test_a_planted_secret_is_found_and_not_repeated(repository, what, name):
    secret = PLANTED[what]
    found = safety.secrets(repository(name, f"first\nx {secret} y\n"))
    assert found == [f"{name}, line 2: looks like {what}"] and secret not in found[0]


@pytest.mark.parametrize("name", [".env", "keys/id_ed25519", "server.pem", ".pypirc"])
def test_a_file_that_holds_secrets_is_found_by_its_name(repository, name):
    assert safety.secrets(repository(name, "x\n")) == [f"{name}: such a file holds secrets"]


def test_what_is_no_secret_is_left_alone(repository):
    text = 'token = "<pad>"\npassword = os.environ["PASSWORD"]\nhttps://example.org/a:b\nsk-learn\nkeys = 3\n'
    root = repository("dlcourse/a.py", text)
    picture = "AKIA" + LETTERS[:16].upper() + "A" * 300
    repository("notebooks/01_a.ipynb", f'{{"image/png": "{picture}"}}')
    (root / "picture.png").write_bytes(b"\x89PNG\xff" + PLANTED["an AWS key"].encode())
    assert safety.secrets(root) == []


def test_without_git_the_files_are_read_all_the_same(tmp_path):
    (tmp_path / "a.txt").write_text(PLANTED["an AWS key"])
    (tmp_path / "build").mkdir()
    (tmp_path / "build" / "b.txt").write_text(PLANTED["an AWS key"])
    assert safety.secrets(tmp_path) == ["a.txt, line 1: looks like an AWS key"]


@pytest.mark.parametrize("word", ["07; touch hacked", "$(touch hacked)", "`touch hacked`", "../07"])
def test_no_shell_sees_the_name_of_a_chapter(word, tmp_path, monkeypatch, capfd):
    """Neither as an argument, nor in CH, nor as the name of a file."""
    monkeypatch.chdir(tmp_path)
    assert notebooks.main(["build", word]) == 1
    monkeypatch.setenv("CH", word)
    assert notebooks.main(["build"]) == 1
    assert "expected one of the chapters" in capfd.readouterr().err
    monkeypatch.setattr(sources, "ROOT", tmp_path)
    (tmp_path / "notebooks").mkdir()
    if "/" not in word:
        (tmp_path / "notebooks" / f"{word}.md").write_text("# A\n")
        assert [line for line in notebooks.check() if "missing" in line]
    assert not list(tmp_path.rglob("hacked"))
