"""What the chapters say of the original: every recorded number comes out again, and every chapter runs on it."""

import json
import sys

import pytest

from crm_rl.data.fetch import SHA256
from crm_rl.experiments.original_numbers import ORIGINAL_NUMBERS, original_numbers
from crm_rl.files import PROJECT

sys.path.insert(0, str(PROJECT / "tools"))
import original_numbers as tool  # noqa: E402


def executed(chapter: str):
    """The chapter with its stored outputs."""
    return tool.notebooks.read_ipynb(PROJECT / "notebooks" / f"{chapter}.ipynb")


def test_the_record_says_where_it_comes_from():
    record = json.loads(ORIGINAL_NUMBERS.read_text(encoding="utf-8"))
    assert record["input_sha256"] == SHA256
    assert record["numbers"]


def test_what_is_not_on_record_is_said_to_be_so():
    assert original_numbers()["no such number"] == "not recorded"


@pytest.mark.parametrize("chapter", tool.CHAPTERS)
def test_a_chapter_runs_on_the_original_and_gives_the_recorded_numbers(chapter, original):
    recorded = original_numbers()
    measured = tool.measured(original, [chapter])
    assert measured == {name: recorded[name] for name in measured}


@pytest.mark.parametrize("chapter", tool.CHAPTERS)
def test_every_number_of_a_chapter_is_on_record(chapter):
    """So that a machine without the original sees it too, when a chapter has a number that was not recorded."""
    names = {name for name in tool.glued(executed(chapter)) if "-original-" not in name}
    assert names and names <= set(original_numbers())
