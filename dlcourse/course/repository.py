"""Where the course lives on the web: one setting, `Repository` under [project.urls] in pyproject.toml.

While it is not set, no page and no notebook links to it. Set to https://HOST/OWNER/NAME, every chapter's
page has links to the repository and to Binder, and on GitHub also to Colab.
"""

import re
import tomllib
from urllib.parse import quote

STUDENTS = "students"  # the branch that holds the notebooks to work on; `make students` writes it
ADDRESS = re.compile(r"https://[\w.-]+(?:/[\w.-]+){2,}")
GITHUB = "https://github.com/"


def address(root):
    """The repository's address as pyproject.toml in this folder has it; None while it is not set."""
    settings = root / "pyproject.toml"
    project = tomllib.loads(settings.read_text(encoding="utf-8"))["project"] if settings.exists() else {}
    found = project.get("urls", {}).get("Repository")
    if found is None:
        return None
    found = found.rstrip("/").removesuffix(".git")
    if not ADDRESS.fullmatch(found):
        raise ValueError(f"pyproject.toml: expected Repository as https://HOST/OWNER/NAME, got {found!r}")
    return found


def links(found, slug):
    """{name: address} of the places that open a chapter's notebook for students."""
    on_github = found.startswith(GITHUB)
    place = f"gh/{found.removeprefix(GITHUB)}" if on_github else f"git/{quote(found, safe='')}"
    made = {"Binder": f"https://mybinder.org/v2/{place}/HEAD?urlpath=lab/tree/work/{slug}.ipynb"}
    if on_github:
        owner_and_name = found.removeprefix(GITHUB)
        site = "https://colab.research.google.com/github"
        made["Colab"] = f"{site}/{owner_and_name}/blob/{STUDENTS}/{slug}.ipynb"
    return made


def bring(found):
    """What a notebook does first on Colab, where NumPy and PyTorch are, but not the course."""
    return (
        "import sys\n\n"
        'if "google.colab" in sys.modules:  # a machine that has PyTorch, but not the course\n'
        f"    %pip install --quiet --no-deps git+{found}\n"
    )
