"""From an export to the files that everything else starts from, in one step that happens wholly or not at all."""

import json
import os
from pathlib import Path

import pandas as pd
from tqdm import tqdm

from crm_rl.data import CleaningReport, clean, load
from crm_rl.data.columns import SNAPSHOT_DATE
from crm_rl.data.features import FEATURES
from crm_rl.data.problems import DataError
from crm_rl.data.split import SPLITS, Split
from crm_rl.files import same_file, sha256, write_together

STATISTICS_FILE = "historical_stats.json"
FILES = ("crm_train.csv", "crm_val.csv", "crm_test.csv", STATISTICS_FILE)

#: What systems put into folders unasked, beside names that begin with a dot.
OF_THE_SYSTEM = ("Thumbs.db", "desktop.ini", "lost+found", "Icon\r")


def prepare(
    path: str | Path, out: str | Path, split: str = "published", snapshot: pd.Timestamp = SNAPSHOT_DATE
) -> tuple[Split, CleaningReport]:
    """Load, clean, split and encode an export, and write the three parts and what was learned from train.

    Each part is a CSV file with a row a customer: the cleaned columns, then the 15 features by their names (prefixed
    `f_`), of the kind that goes with the split.

    Args:
        path: the export.
        out: the folder to write; if it exists it may hold only files of an earlier run, which are replaced, and what
            the system puts into folders.
        split: "published" or "sound".
        snapshot: the day of the export.

    Returns:
        The split and the cleaning report.

    Raises:
        DataError: the export cannot be used, stands where a part is to be written, or the folder holds other files.
            Nothing has been written then.
        OSError: the folder cannot be written. What was there before is there still.
    """
    path, out = Path(path), Path(out).resolve()
    with tqdm(total=4, desc="prepare", unit="step", disable=None, leave=False) as bar:
        _refuse_foreign_files(out, path)
        raw = load(path)
        bar.update()
        customers, report = clean(raw, snapshot, source=str(path))
        bar.update()
        parts = _split(customers, split, path, report)
        encoder = FEATURES[split](snapshot).fit(parts.train, parts.known_by)
        tables = {name: part.join(encoder.transform(part).add_prefix("f_")) for name, part in parts.parts().items()}
        bar.update()
        statistics = {
            "source": {"file": path.name, "sha256": sha256(path)},
            "snapshot_date": str(snapshot.date()),
            "split": split,
            "rows": {name: len(part) for name, part in parts.parts().items()} | {"left_out": len(parts.left_out)},
            "known_by": str(parts.known_by.date()),
            "subscription_rate": encoder.country_rate_.base_rate_,
            "education_rate": encoder.education_rate_.rates_,
            "country_rate": encoder.country_rate_.rates_,
            "scales": {feature.name: feature.scale for feature in encoder.features},
        }
        texts = {f"crm_{name}.csv": _csv(table) for name, table in tables.items()}
        write_together(out, texts | {STATISTICS_FILE: json.dumps(statistics, indent=1, sort_keys=True) + "\n"})
        bar.update()
    return parts, report


def _split(customers: pd.DataFrame, split: str, path: Path, report: CleaningReport) -> Split:
    """Split, or say with the whole report why it cannot be done: cleaning may have set the dates aside."""
    try:
        return SPLITS[split](customers)
    except DataError as error:
        raise DataError(f"{path}: {error}\n\nThe cleaning report:\n{report}") from error


def _csv(table: pd.DataFrame) -> str:
    return table.to_csv(index_label="row", float_format="%.6g", lineterminator="\n")


def _refuse_foreign_files(out: Path, path: Path) -> None:
    if out.exists() and not out.is_dir():
        raise DataError(f"{out}: a file stands where the folder should be. Remedy: name another folder with --out.")
    here = sorted(os.listdir(out)) if out.exists() else []
    if any(name in FILES and same_file(out / name, path) for name in here):
        raise DataError(f"{path}: would be written over. Remedy: name another folder with --out.")
    strangers = [name for name in here if name not in FILES and name not in OF_THE_SYSTEM and name[0] != "."]
    if strangers:
        raise DataError(
            f"{out}: the folder holds other files ({', '.join(strangers[:3])}). Remedy: name an empty or a new folder."
        )
