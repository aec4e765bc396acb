"""Say what a test run passed, failed and skipped, from the JUnit files that pytest wrote.

python tools/summary.py _build/reports/*.xml
"""

from __future__ import annotations

import sys
import xml.etree.ElementTree as ElementTree
from pathlib import Path


def main(paths: list[str]) -> int:
    skipped: list[str] = []
    print("\n---- summary " + "-" * 60)
    for path in map(Path, paths):
        cases = list(ElementTree.parse(path).getroot().iter("testcase"))
        bad = [c for c in cases if c.find("failure") is not None or c.find("error") is not None]
        skips = [c for c in cases if c.find("skipped") is not None]
        seconds = sum(float(c.get("time", 0)) for c in cases)
        passed = len(cases) - len(bad) - len(skips)
        print(f"{path.stem:<10} {passed} passed, {len(bad)} failed, {len(skips)} skipped, {seconds:.0f} s")
        for case in skips:
            reason = case.find("skipped").get("message", "")
            line = f"{case.get('classname')}::{case.get('name')}: {reason}"
            if line not in skipped:
                skipped.append(line)
    print("skipped: " + ("nothing" if not skipped else ""))
    for line in skipped:
        print(f"  {line}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
