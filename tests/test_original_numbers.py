"""What the chapters say of the original: every recorded number comes out again, and every chapter runs on it."""

import json
import sys

import pytest

from crm_rl.data.fetch import SHA256
from crm_rl.experiments.original_numbers import ORIGINAL_NUMBERS, original_numbers
from crm_rl.files import PROJECT

sys.path.insert(0, str(PROJECT / "tools"))
import original_numbers as tool  # noqa: E402


def test_the_record_says_where_it_comes_from():
    record = json.loads(ORIGINAL_NUMBERS.read_text(encoding="utf-8"))
    assert record["input_sha256"] == SHA256
    assert record["numbers"]


def test_what_is_not_on_record_is_said_to_be_so():
    assert original_numbers()["no such number"] == "not recorded"


@pytest.mark.parametrize("chapter", ["01_data_processing", "02_education_column", "09_audit", "a1_twin_fidelity"])
def test_a_chapter_runs_on_the_original_and_gives_the_recorded_numbers(chapter, original):
    recorded = original_numbers()
    measured = tool.measured(original, [chapter])
    assert measured == {name: recorded[name] for name in measured}
