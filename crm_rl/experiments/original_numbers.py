"""What the chapters find on the original export, recorded, for readers who have only the twin."""

import json
from collections import defaultdict

from crm_rl.files import PROJECT

ORIGINAL_NUMBERS = PROJECT / "data" / "results" / "original_numbers.json"


def original_numbers() -> dict[str, str]:
    """Every number that a chapter glues into its text, as it comes out on the original; by name, already rounded.

    `python tools/original_numbers.py` records them. A name that is not on record gives "not recorded".
    """
    if not ORIGINAL_NUMBERS.exists():
        return defaultdict(lambda: "not recorded")
    recorded = json.loads(ORIGINAL_NUMBERS.read_text(encoding="utf-8"))["numbers"]
    return defaultdict(lambda: "not recorded", recorded)
