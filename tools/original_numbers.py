"""Record what the chapters find on the original export, and what the claims ledger counts in it.

    CRM_RL_DATA=path/to/SalesCRM.xlsx python tools/original_numbers.py           both
    CRM_RL_DATA=path/to/SalesCRM.xlsx python tools/original_numbers.py --counts  the ledger's counts alone, in seconds
    CRM_RL_DATA=path/to/SalesCRM.xlsx python tools/original_numbers.py 09_audit  both, of the chapters this one alone

Runs the chapters about the data on the original, collects every number that they glue into their text, and writes
data/results/original_numbers.json. The chapters show these numbers beside the twin's where the two tell different
stories. Only rounded results are kept, no row. The counts of the ledger (tools/ledger/records.py) go into
data/results/counts_original.json, and those of the twin beside them.
"""

import argparse
import datetime
import hashlib
import json
import os
import sys
from pathlib import Path

from console import finish
from ledger.records import counts_of, counts_path

import notebooks  # the tools beside this one
from crm_rl.data.fetch import SHA256
from crm_rl.data.load import TWIN
from crm_rl.experiments.original_numbers import ORIGINAL_NUMBERS, original_numbers

# the chapters whose pages tell what the original says; their numbers are compared again by `make test`
CHAPTERS = ["01_data_processing", "02_education_column", "09_audit", "a1_twin_fidelity"]
NAME, VALUE = "scrapbook", "application/papermill.record/text/plain"


def glued(notebook) -> dict[str, str]:
    """The glued values of an executed notebook, by name."""
    outputs = [output for cell in notebook.cells for output in cell.get("outputs", [])]
    return {
        output["metadata"][NAME]["name"]: output["data"][VALUE].strip("'\"")
        for output in outputs
        if NAME in output.get("metadata", {}) and VALUE in output.get("data", {})
    }


def measured(data: Path, stems: list[str]) -> dict[str, str]:
    """The glued values of these chapters, run on this file."""
    numbers: dict[str, str] = {}
    for stem in stems:
        notebook = notebooks.read_py(notebooks.NOTEBOOKS / f"{stem}.py")
        with notebooks.clean_environment() as environment:
            chosen = {"CRM_RL_DATA": str(data.resolve())}
            notebooks.execute(notebook, notebooks.NOTEBOOKS, stem, 600, environment | chosen)
        numbers |= glued(notebook)
    # what a chapter itself reads from this record is not recorded again
    return {name: value for name, value in sorted(numbers.items()) if "-original-" not in name}


def record(path: Path, data: Path, **found) -> None:
    """Write what was found, with the checksum of its input and the date."""
    source = {"input_sha256": hashlib.sha256(data.read_bytes()).hexdigest()}
    path.parent.mkdir(parents=True, exist_ok=True)
    notebooks.write_text(path, json.dumps(source | {"date": str(datetime.date.today())} | found, indent=1) + "\n")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--counts", action="store_true", help="record the ledger's counts alone")
    all_of_them = ", ".join(CHAPTERS)
    parser.add_argument("chapters", nargs="*", help=f"record these again and keep the others (default: {all_of_them})")
    options = parser.parse_args()
    data = Path(os.environ.get("CRM_RL_DATA", ""))
    if not data.is_file() or hashlib.sha256(data.read_bytes()).hexdigest() != SHA256:
        print("error: CRM_RL_DATA must name the original export (`python -m crm_rl fetch`)", file=sys.stderr)
        return 1
    for name, export in {"original": data, "twin": TWIN}.items():
        counts = counts_of(export)
        record(counts_path(name), export, counts=counts)
        print(f"{len(counts)} counts recorded in {counts_path(name).name}")
    if options.counts:
        return 0
    kept = dict(original_numbers()) if options.chapters else {}
    numbers = kept | measured(data, options.chapters or CHAPTERS)
    numbers = dict(sorted(numbers.items()))
    record(ORIGINAL_NUMBERS, data, numbers=numbers)
    print(f"{len(numbers)} numbers recorded in {ORIGINAL_NUMBERS.name}")
    return 0


if __name__ == "__main__":
    finish(main)
