"""Time and memory of the data part: `python benchmarks/data.py` (about four minutes; `--rows 100000` for a short run).

Each job runs in a process of its own, so that its peak memory is its own; start-up and imports are counted.
"""

import argparse
import contextlib
import datetime
import importlib.metadata
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import openpyxl
import pandas as pd

from crm_rl.data import data_path
from crm_rl.data.load import TWIN
from crm_rl.files import PROJECT

RESULTS = Path(__file__).parent / "results" / "data.json"
PACKAGES = ("numpy", "pandas", "pandera", "scikit-learn")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rows", type=int, default=1_000_000, help="rows of the large export")
    parser.add_argument(
        "--no-excel", action="store_true", help="leave out the large .xlsx, which takes minutes to write"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        exports = {"the twin": TWIN}
        if data_path().resolve() != TWIN.resolve():
            exports["the file in CRM_RL_DATA"] = data_path()
        exports |= large_exports(options.rows, Path(folder), not options.no_excel)
        measured = [measure(f"prepare {name}", path, Path(folder) / "out") for name, path in exports.items()]
    table = pd.DataFrame(measured)
    print(table.to_string(index=False))
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps({**provenance(), "jobs": measured}, indent=1) + "\n")
    print(f"recorded in {RESULTS.relative_to(PROJECT)}")


def large_exports(rows: int, folder: Path, excel: bool) -> dict[str, Path]:
    """The twin's rows drawn again and again, with new IDs."""
    twin = pd.read_csv(TWIN, dtype=str, keep_default_na=False)
    large = twin.iloc[np.random.default_rng(0).integers(len(twin), size=rows)]
    large = large.assign(ID=np.arange(1, rows + 1))
    exports = {f"{rows:,} rows, .csv": folder / "large.csv"}
    large.to_csv(folder / "large.csv", index=False)
    if excel:
        exports[f"{rows:,} rows, .xlsx"] = folder / "large.xlsx"
        _write_excel(large, folder / "large.xlsx")
    return exports


def _write_excel(table: pd.DataFrame, path: Path) -> None:
    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet()
    sheet.append(list(table.columns))
    for row in table.itertuples(index=False):
        sheet.append([cell or None for cell in row])
    workbook.save(path)


def measure(job: str, path: Path, out: Path) -> dict:
    """Run one command and ask the system what it took."""
    command = [sys.executable, "-m", "crm_rl", "prepare", str(path), "--out", str(out)]
    started = time.perf_counter()
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(command)} failed")
    return {
        "job": job,
        "file MB": round(path.stat().st_size / 1e6, 1),
        "seconds": round(time.perf_counter() - started, 1),
        "processor seconds": round(used.ru_utime + used.ru_stime, 1),
        "peak MB": round(used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)),
    }


def processor() -> str:
    """What the processor calls itself."""
    with contextlib.suppress(OSError):  # Linux alone has this file
        names = re.findall(r"model name\s*: (.+)", Path("/proc/cpuinfo").read_text())
        if names:
            return names[0]
    return platform.processor() or platform.machine()


def provenance() -> dict:
    return {
        "date": datetime.date.today().isoformat(),
        "python": platform.python_version(),
        "system": platform.system(),
        "processor": processor(),
        "cores": os.cpu_count(),
        "load before": round(os.getloadavg()[0], 1),
        "versions": {name: importlib.metadata.version(name) for name in PACKAGES},
    }


if __name__ == "__main__":
    main()
