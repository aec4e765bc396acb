"""What holds the frame together: one address, exact pins, no machine's paths, tools that fail cleanly."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.markers import Marker

ROOT = Path(__file__).resolve().parent.parent


def committed_texts() -> dict[str, str]:
    """The text of every file under version control (or of every source, where git is absent)."""
    listing = None
    if shutil.which("git") and (ROOT / ".git").exists():
        listing = subprocess.run(
            ["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=False
        )
    if listing is not None and listing.returncode == 0:
        names = [name for name in listing.stdout.split("\0") if name]
    else:
        names = [
            p.relative_to(ROOT).as_posix()
            for p in ROOT.rglob("*.*")
            if not {".venv", "_build"} & set(p.parts)
        ]
    texts = {}
    for name in names:
        path = ROOT / name
        if path.is_file() and path.stat().st_size < 5_000_000 and not name.startswith("data/"):
            try:
                texts[name] = path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue
    return texts


@pytest.fixture(scope="module")
def texts() -> dict[str, str]:
    return committed_texts()


@pytest.fixture(scope="module")
def url() -> str:
    return yaml.safe_load((ROOT / "_config.yml").read_text(encoding="utf-8"))["repository"]["url"]


def test_the_address_of_the_project_is_the_same_everywhere(texts, url):
    """_config.yml names the repository; whatever else names one with the same last part must agree."""
    last = url.rsplit("/", 1)[1]
    other = {
        f"{name}: {found}"
        for name, text in texts.items()
        for found in re.findall(rf"https://github\.com/[\w.-]+/{re.escape(last)}", text)
        if found != url and not name.startswith("tests/")
    }
    assert not other, f"_config.yml says {url}; change these too: {sorted(other)}"


def requirements() -> list[str]:
    """The lines of requirements.txt and of what it includes, as far as they concern this system, without comments."""
    texts = [(ROOT / name).read_text(encoding="utf-8") for name in ("requirements.txt", "requirements-book.txt")]
    assert "\n-r requirements-book.txt\n" in texts[0]
    lines = [line.split("#")[0].strip() for text in texts for line in text.splitlines()]
    lines = [line for line in lines if line and line != "-r requirements-book.txt"]
    parts = [line.partition("; ") for line in lines]
    return [line for line, _, marker in parts if not marker or Marker(marker).evaluate()]


def test_every_requirement_is_pinned_exactly_and_once():
    wanted = requirements()
    loose = [line for line in wanted if line != "-e ." and not re.fullmatch(r"[\w.-]+==[\w.]+", line)]
    assert not loose, f"pin exactly: {loose}"
    assert "-e ." in wanted
    names = [line.split("==")[0].lower() for line in wanted]
    assert len(names) == len(set(names))
    pins = dict(line.split("==") for line in wanted if "==" in line)
    assert pins["torch"] == "2.13.0"
    assert pins["jupyter-book"].startswith("1."), "Jupyter Book 2 reads neither _config.yml nor _toc.yml"


def test_every_dependency_of_the_package_is_in_requirements():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    pinned = {line.split("==")[0].lower() for line in requirements()}
    names = {re.match(r"[\w-]+", line)[0].lower() for line in project["dependencies"]}
    assert names <= pinned


def test_the_oldest_versions_that_are_allowed_are_exact_and_no_newer_than_the_pinned():
    """`make test-lowest` installs them, so each has to be a version, such as 24.6.1, and not only a year."""
    pins = dict(line.split("==") for line in requirements() if "==" in line)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    for bound in project["dependencies"]:
        name, oldest = re.fullmatch(r"([\w-]+)>=(\d+(?:\.\d+)+)", bound.split(";")[0]).groups()
        assert [int(part) for part in oldest.split(".")] <= [int(part) for part in pins[name].split(".")[:3]], bound


def test_the_environment_has_the_pinned_versions():
    """A stale environment explains many strange failures: say so first."""
    from importlib.metadata import PackageNotFoundError, version

    stale = []
    for line in requirements():
        if "==" not in line:
            continue
        name, wanted = line.split("==")
        try:
            found = version(name).split("+")[0]  # torch says 2.13.0+cpu
        except PackageNotFoundError:
            found = "nothing"
        if found != wanted:
            stale.append(f"{name}: {found}, not {wanted}")
    assert not stale, f"run pip install -r requirements.txt: {stale}"


def test_no_committed_file_names_a_path_of_a_machine(texts):
    """Outside the tests, which need examples of what to refuse."""
    pattern = re.compile(r"(?<![\w.:/])/(home|root|Users|work)/\w[\w./-]*")
    found = {
        f"{name}: {match.group(0)}"
        for name, text in texts.items()
        if not name.startswith("tests/") and not name.endswith(".ipynb")
        for match in pattern.finditer(text)
    }
    assert not found


def test_the_original_data_is_not_committed(texts):
    if not (ROOT / ".git").exists() or not shutil.which("git"):
        pytest.skip("not a git checkout, so what is committed can't be seen")
    command = ["git", "ls-files", "*.xlsx", "*.xls", "*email_campaign_data.csv", "*.pkl", "*.pickle"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split()
    assert [name for name in listed if not name.startswith("tests/")] == []


def test_the_toc_names_files_that_exist():
    sys.path.insert(0, str(ROOT / "tools"))
    try:
        from screenshots import toc_pages
    finally:
        sys.path.pop(0)
    pages = toc_pages()
    missing = [
        page for page in pages if not any((ROOT / f"{page}{end}").exists() for end in (".md", ".ipynb"))
    ]
    assert not missing
    assert len(pages) == len(set(pages))


def test_no_page_and_notebook_share_a_name(texts):
    """Sphinx takes a .md and a .ipynb of one name for the same page."""
    stems = {name.removesuffix(".ipynb") for name in texts if name.endswith(".ipynb")}
    assert not [name for name in texts if name.endswith(".md") and name.removesuffix(".md") in stems]


SCRIPTS = "notebooks book screenshots checks portable lowest play_data minutes pdf"


@pytest.mark.parametrize("script", SCRIPTS.split())
def test_the_tools_say_how_they_are_used(script):
    command = [sys.executable, str(ROOT / "tools" / f"{script}.py"), "--help"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0 and "usage:" in done.stdout


@pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")
@pytest.mark.parametrize("target", "book pdf test notebooks check lab test-portable test-lowest clean".split())
def test_the_makefile_has_the_target(target):
    done = subprocess.run(["make", "-n", target], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_jupyterlab_shows_the_markup():
    """An extension that its JupyterLab refuses installs without a word, and the pages show raw directives."""
    command = [sys.executable, "-m", "jupyter", "labextension", "list"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = [line for line in (done.stdout + done.stderr).splitlines() if "jupyterlab-myst v" in line]
    assert lines and all("OK" in line for line in lines), done.stdout + done.stderr
