"""The package's shape: dependencies point one way, only `plots` draws, nothing pickles, no random state is global."""

import ast
import functools
import importlib.util
import os
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import crm_rl
from crm_rl.files import PROJECT

PACKAGE = Path(crm_rl.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

#: The floors of the package, from the ground up: a module imports from its own floor and those below.
FLOORS = (
    ("files",),
    ("data",),
    ("worlds",),
    ("planning",),
    ("agents", "case_studies"),
    ("evaluation", "serving"),
    ("experiments",),
    ("arguments", "commands", "cli"),
    ("__main__",),
)

#: `plots` stands aside: it may look into the data and the worlds, and only notebooks and the book use it.
ASIDE = {"plots": ("data", "worlds")}


@functools.cache
def nodes(module: Path) -> list[ast.AST]:
    """Everything that a module's text is made of."""
    return [*ast.walk(ast.parse(module.read_text()))]


@functools.cache
def imported(module: Path) -> set[str]:
    """The full names that a module imports, wherever in it."""
    names = set()
    for node in nodes(module):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: write imports in full"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


def room(name: str) -> str:
    """The first part of a module's name inside the package; "" for the package itself."""
    return name.removeprefix("crm_rl").removeprefix(".").split(".")[0]


@pytest.mark.parametrize("module", MODULES, ids=lambda path: path.relative_to(PACKAGE).as_posix())
def test_imports_point_downwards(module):
    here = module.relative_to(PACKAGE).parts[0].removesuffix(".py")
    if here == "__init__":
        return
    used = {room(name) for name in imported(module) if within(name, ("crm_rl",))} - {here}
    floor = next((level for level, rooms in enumerate(FLOORS) if here in rooms), None)
    allowed = set(ASIDE.get(here, ())) | {name for rooms in FLOORS[: (floor or 0) + 1] for name in rooms}
    assert floor is not None or here in ASIDE, f"{here} has no floor"
    assert used <= allowed, f"{module} imports {sorted(used - allowed)}"


def test_no_two_modules_import_each_other():
    names = {".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts): path for path in MODULES}
    arrows = {
        name: {other for full in imported(path) for other in names if within(full, (other,))} - {name}
        for name, path in names.items()
        if path.name != "__init__.py"
    }
    settled: set[str] = set()
    while free := {name for name, others in arrows.items() if not (others & set(arrows)) - settled} - settled:
        settled |= free
    assert set(arrows) == settled, f"in circles: {sorted(set(arrows) - settled)}"


def test_a_module_is_read_in_one_go():
    assert {path.name: n for path in MODULES if (n := len(path.read_text().splitlines())) > 300} == {}


def test_nothing_but_plots_draws():
    drawing = [path for path in MODULES if any(within(name, ("matplotlib", "seaborn")) for name in imported(path))]
    assert {path.parent.name for path in drawing} == {"plots"}


def test_nothing_pickles():
    for path in MODULES:
        names = imported(path)
        assert not any(
            within(name, ("pickle", "cloudpickle", "dill", "shelve", "joblib.dump", "joblib.load")) for name in names
        ), path
        assert "allow_pickle=True" not in path.read_text(), path
        assert "to_pickle" not in path.read_text(), path


def test_no_random_number_comes_from_a_global_state():
    allowed = {"default_rng", "Generator", "SeedSequence", "PCG64"}
    for path in MODULES:
        assert not any(within(name, ("random",)) for name in imported(path)), path
        for node in nodes(path):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("np.random", "numpy.random"):
                assert node.attr in allowed, f"{path}:{node.lineno}: np.random.{node.attr}"


def test_what_is_compiled_lies_where_changes_are_noticed():
    rooms = [PACKAGE / room for room in crm_rl.COMPILED]
    compiled = [path for path in MODULES if any(within(name, ("numba",)) for name in imported(path))]
    assert compiled
    for path in compiled:
        assert any(path.is_relative_to(room) for room in rooms), path
        for name in imported(path):
            if within(name, ("crm_rl",)):
                source = PACKAGE.joinpath(*name.split(".")[1:-1])
                assert any(source.is_relative_to(room) for room in rooms), f"{path} imports {name}"


def test_the_package_imports_no_notebook_and_no_test():
    for path in MODULES:
        assert not any(within(name, ("notebooks", "tests", "tools")) for name in imported(path)), path


# ---- Installed, and used elsewhere ----


def test_every_package_is_installed():
    settings = tomllib.loads((PROJECT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["setuptools"]
    ours = {".".join(module.parent.relative_to(PROJECT).parts) for module in MODULES if module.name == "__init__.py"}
    assert set(settings["packages"]) == ours | set(settings["package-dir"])


@pytest.fixture(scope="module")
def installed(tmp_path_factory) -> Path:
    """A folder of installed packages with ours in it, made from what the repository holds."""
    if not all(map(importlib.util.find_spec, ("pip", "setuptools"))):
        pytest.skip("pip or setuptools is not here, so what becomes of an installed package was not checked")
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(PROJECT / name, source)
    for name in ("crm_rl", "data/raw", "data/worlds"):
        shutil.copytree(PROJECT / name, source / name, ignore=shutil.ignore_patterns("__pycache__", "SalesCRM.xlsx"))
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, "--target", str(target), str(source)], check=True, capture_output=True, cwd=source)
    return target


def test_an_installed_package_has_its_data_and_writes_into_the_working_folder(installed, tmp_path, twin):
    before = {path for path in installed.rglob("*") if "__pycache__" not in path.parts}
    code = """if True:
        import crm_rl
        from crm_rl.cli import main
        from crm_rl.worlds.responsive_world import recorded_rates
        print(crm_rl.__file__, len(recorded_rates("twin")))
        assert main(["prepare"]) == main(["twin"]) == main(["twin"]) == 0
    """
    environment = {name: value for name, value in os.environ.items() if not name.startswith("CRM_RL")}
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=environment | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith(str(installed))
    assert {path for path in installed.rglob("*") if "__pycache__" not in path.parts} == before
    assert (tmp_path / "data" / "raw" / "crm_twin.csv").read_bytes() == twin.read_bytes()
    assert len(list((tmp_path / "data" / "processed").iterdir())) == 4
    assert sorted(path.name for path in (tmp_path / "data").iterdir()) == ["processed", "raw"]
