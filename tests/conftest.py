import gc
import hashlib
import os
import sys
from pathlib import Path

# As `make test` has it, before anything that counts is loaded: two threads of small trees on busy cores wait for each
# other a hundred times as long as they work.
os.environ.setdefault("OMP_NUM_THREADS", "1")

import pytest  # noqa: E402
from hypothesis import Phase, settings  # noqa: E402

from crm_rl.data.fetch import SHA256  # noqa: E402
from crm_rl.data.load import TWIN  # noqa: E402
from crm_rl.files import PROJECT  # noqa: E402

# The same examples in every run; no limit in time, for other work may share the machine; and no search for the
# smallest example that fails, which takes minutes where one example is a whole export.
PHASES = (Phase.explicit, Phase.generate)
settings.register_profile("crm_rl", deadline=None, derandomize=True, max_examples=100, phases=PHASES)
settings.load_profile("crm_rl")


def _original() -> Path | None:
    places = [
        PROJECT.parent / "shared" / "data" / "SalesCRM.xlsx",
        PROJECT / "data" / "raw" / "SalesCRM.xlsx",
    ]
    if chosen := os.environ.get("CRM_RL_DATA"):
        places = [Path(chosen), PROJECT / chosen, *places]
    for place in places:
        if place.is_file() and hashlib.sha256(place.read_bytes()).hexdigest() == SHA256:
            return place.resolve()
    return None


@pytest.fixture(scope="session")
def original(request) -> Path:
    """The original export, or the test is skipped."""
    place = _original()
    if place is None:
        pytest.skip(
            f"{request.node.name}: the original export is not here (see `python -m crm_rl fetch`), "
            "so what we say about it was not checked"
        )
    return place


@pytest.fixture(scope="session")
def twin() -> Path:
    """The twin that the project embeds."""
    if not TWIN.is_file():
        pytest.skip("the twin is not here; `python -m crm_rl twin` makes it")
    return TWIN


@pytest.fixture(scope="module")
def browser():
    """The Chromium or Chrome of the system, or the test is skipped."""
    sys.path.insert(0, str(PROJECT / "tools"))
    from screenshots import FLAGS, find_browser

    path = find_browser()
    if not path:
        pytest.skip("no Chromium or Chrome on the PATH, so what needs a browser was not tried")
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture(autouse=True)
def _no_chosen_data(monkeypatch):
    """Tests run on what they name, whatever the reader works on."""
    monkeypatch.delenv("CRM_RL_DATA", raising=False)


def pytest_collection_finish():
    """What is imported by now stays: looking for garbage in it, again and again, took a tenth of the time."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config, log):
    """With `--dist loadgroup`, what is between brackets is one group: the book at one width is looked at by one worker.

    xdist's own grouping appends the group to a test's name, which pytest 9.2 does not let it do.
    """
    if config.getvalue("dist") != "loadgroup":
        return None
    from xdist.scheduler import LoadScopeScheduling

    class ByBrackets(LoadScopeScheduling):
        def _split_scope(self, nodeid: str) -> str:
            return nodeid.partition("[")[2] or nodeid

    return ByBrackets(config, log)
