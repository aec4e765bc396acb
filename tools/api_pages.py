"""A Sphinx extension that writes the API reference: a page a sub-package, a section a module, found in the tree.

The line `<!-- the package -->` in book/api/NAME.md becomes headings and `automodule` directives when Sphinx reads the
page, so no module is listed by hand, and the build stops where a sub-package has no page. The book needs neither numba
nor torch: what the package imports from elsewhere, but for numpy, pandas and SQLAlchemy (which comes with the book's
builder), is a stand-in while the pages are made, and numba's decorators hand functions on as they are.
"""

import ast
import os
import sys
import types
from pathlib import Path
from typing import Union

from sphinx.errors import ExtensionError
from sphinx.ext.autodoc import _CLASS_NEW_BLACKLIST
from sphinx.ext.autodoc.mock import _MockObject
from sphinx.ext.napoleon import GoogleDocstring

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = ROOT / "crm_rl"
PLACE = "<!-- the package -->"
REAL = {"crm_rl", "numpy", "pandas", "numba", "seaborn", "sqlalchemy", *sys.stdlib_module_names}


def modules(folder: Path, pattern: str) -> list[Path]:
    """The public modules of a folder, in alphabetical order."""
    return [path for path in sorted(folder.glob(pattern)) if not path.name.startswith("__")]


def entry(path: Path, level: int, members: bool = True) -> list[str]:
    """A heading and the directive under it, in MyST, for a module or the folder of a package."""
    name = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    options = ["   :members:", "   :no-value:"] if members else []
    directive = ["```{eval-rst}", f".. automodule:: {name}", *options, "```"]
    return [f"{'#' * level} `{name}`", "", *directive, ""]


def reference(folder: Path) -> str:
    """A sub-package's page: its docstring, then every module below it. Of the package itself, what is beside them."""
    whole = folder == PACKAGE
    lines = [] if whole else entry(folder, 1, members=False)
    for path in modules(folder, "*.py" if whole else "**/*.py"):
        lines += entry(path, 2)
    return "\n".join(lines)


def foreign() -> list[str]:
    """The top names of all that the package imports from elsewhere and the page can do without."""
    names: set[str] = set()
    for path in PACKAGE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.split(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names.add(node.module.split(".")[0])
    return sorted(names - REAL)


def transparent_numba() -> None:
    """Put a module in numba's place whose decorators return the function itself, with its signature and docstring."""

    def decorator(function=None, **options):
        return function if callable(function) else lambda function: function

    numba, extending, typed = (types.ModuleType(name) for name in ("numba", "numba.extending", "numba.typed"))
    numba.njit = numba.jit = decorator
    numba.prange = range
    numba.types, typed.Dict = _MockObject(), type("Dict", (dict,), {"__module__": typed.__name__})
    numba.extending = extending
    extending.overload = lambda function, **options: lambda stand_in: stand_in
    extending.register_jitable = decorator
    sys.modules |= {"numba": numba, "numba.extending": extending, "numba.typed": typed}


def palette_of_ten() -> None:
    """Put a module in seaborn's place whose palettes have colours to unpack."""
    seaborn = types.ModuleType("seaborn")
    seaborn.color_palette = lambda *_: types.SimpleNamespace(as_hex=lambda: ["#000000"] * 10)
    sys.modules["seaborn"] = seaborn


def tables(app, what: str, name: str, thing, options, lines: list[str]) -> None:
    """Turn a docstring's tables with bars, which read well in a terminal, into tables of reStructuredText."""
    written: list[str] = []
    for line in lines:
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if not line.startswith("|"):
            written.append(line)
        elif not all(set(cell) <= set(":-") for cell in cells):
            if not (written and written[-1].startswith(("   * -", "     -"))):
                written += [".. list-table::", "   :header-rows: 1", ""]
            written += [f"   {'  -' if number else '* -'} {cell}" for number, cell in enumerate(cells)]
    lines[:] = written


def write_reference(app, docname: str, source: list[str]) -> None:
    """Fill a page in as Sphinx reads it: book/api/data is that of crm_rl.data."""
    if docname == "book/api":
        source[0] = source[0].replace(PLACE, reference(PACKAGE))
    elif docname.startswith("book/api/"):
        source[0] = source[0].replace(PLACE, reference(PACKAGE / docname.removeprefix("book/api/")))


def check_pages(app, env, docnames) -> None:
    """Stop the build where a sub-package has no page, or a page no sub-package."""
    packages = {path.parent.name for path in PACKAGE.glob("*/__init__.py")}
    pages = {name.removeprefix("book/api/") for name in env.found_docs if name.startswith("book/api/")}
    if packages != pages:
        names = ", ".join(sorted(packages ^ pages))
        raise ExtensionError(f"book/api/: page or sub-package missing: {names}. Remedy: mend it and _toc.yml")


def prepare(app, config) -> None:
    """Make the package importable without what it is computed with."""
    sys.path.insert(0, str(ROOT))
    os.environ.setdefault("NUMBA_CACHE_DIR", str(ROOT / "_build"))  # nothing is compiled, so no place is looked for
    transparent_numba()
    palette_of_ten()
    _MockObject.__or__ = _MockObject.__ror__ = lambda *sides: Union.__getitem__(sides)  # Axes | None
    _CLASS_NEW_BLACKLIST.append(f"{_MockObject.__module__}._MockObject.__new__")  # a subclass shows its own __init__
    # What is before a colon in the comment on a constant is a part of the sentence, and no type.
    GoogleDocstring._consume_inline_attribute = lambda docstring: ("", docstring._consume_to_end())
    config.autodoc_mock_imports = foreign()


def setup(app):
    app.setup_extension("sphinx.ext.autodoc")
    app.setup_extension("sphinx.ext.napoleon")
    app.connect("config-inited", prepare)
    app.connect("autodoc-process-docstring", tables)
    app.connect("env-before-read-docs", check_pages)
    app.connect("source-read", write_reference)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
