"""The package's shape: dependencies point one way, only `plots` draws, nothing pickles, no random state is global."""

import ast
from pathlib import Path

import pytest

import crm_rl

PACKAGE = Path(crm_rl.__file__).parent
MODULES = sorted(PACKAGE.rglob("*.py"))

#: Where the arrows start; everything else in the package may come after these.
DATA_PART = ("crm_rl.crm_data", "crm_rl.encoders", "crm_rl.features", "crm_rl.intervals", "crm_rl.new_folders")

MAY_IMPORT = {
    "crm_data": ("crm_rl.crm_data",),
    "encoders": ("crm_rl.crm_data",),
    "features": ("crm_rl.crm_data", "crm_rl.encoders"),
    "intervals": (),
    "new_folders": (),
    "fetch": ("crm_rl.crm_data", "crm_rl.new_folders"),
    "prepare": DATA_PART,
    "twin_spec": DATA_PART,
}


def imported(module: Path) -> set[str]:
    """The full names that a module imports, wherever in it."""
    names = set()
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: write imports in full"
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def within(name: str, packages: tuple[str, ...]) -> bool:
    return any(name == package or name.startswith(f"{package}.") for package in packages)


@pytest.mark.parametrize("part", MAY_IMPORT)
def test_dependencies_point_one_way(part):
    modules = [path for path in MODULES if path.relative_to(PACKAGE).parts[0].removesuffix(".py") == part]
    assert modules
    for module in modules:
        ours = {name for name in imported(module) if within(name, ("crm_rl",))}
        assert {name for name in ours if not within(name, MAY_IMPORT[part])} == set(), module


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
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Attribute) and ast.unparse(node.value) in ("np.random", "numpy.random"):
                assert node.attr in allowed, f"{path}:{node.lineno}: np.random.{node.attr}"


def test_the_package_imports_no_notebook_and_no_test():
    for path in MODULES:
        assert not any(within(name, ("notebooks", "tests", "tools")) for name in imported(path)), path
