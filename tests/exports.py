"""Small exports made by hand, good ones and damaged ones, for the tests of the data part."""

import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd

from crm_rl.data.columns import COLUMNS

COUNTRIES = ("Germany", "USA", "India", "Kenya")


def export(size: int = 100) -> pd.DataFrame:
    """A faultless export: a contact every fifth day from 2020-01-01 (again after 100), a first call for every fourth
    prospect, a subscription for every fifth. Cells are what a CSV file holds; `None` is an empty cell."""
    start = datetime.date(2020, 1, 1)
    days = [(start + datetime.timedelta(days=5 * (number % 100))).isoformat() for number in range(size)]
    week_on = [(start + datetime.timedelta(days=5 * (number % 100) + 7)).isoformat() for number in range(size)]
    numbers = range(size)
    columns = dict.fromkeys(COLUMNS, [None] * size) | {
        "ID": [str(number + 1) for number in numbers],
        "Country": [COUNTRIES[number % 4] for number in numbers],
        "Education": [f"B{number % 5 + 1}" for number in numbers],
        "First Contact": days,
        "Last Contact": week_on,
        "Status": ["1st message"] * size,
        "Stage": [None if number % 5 else "subscribed already" for number in numbers],
        "First Call": [None if number % 4 else week_on[number] for number in numbers],
        "Subscribed": [None if number % 5 else week_on[number] for number in numbers],
    }
    return pd.DataFrame(columns, dtype=object)


def with_cells(changes: dict[tuple[int, str], Any], size: int = 100) -> pd.DataFrame:
    """A faultless export but for some cells, by (spreadsheet's row number, column)."""
    table = export(size)
    for (row, column), cell in changes.items():
        table.loc[row - 2, column] = cell
    return table


def write_csv(table: pd.DataFrame, path: Path, **options: Any) -> Path:
    table.to_csv(path, index=False, **options)
    return path


def write_xlsx(table: pd.DataFrame, path: Path, above: int = 0, sheets_before: int = 0) -> Path:
    """Write a sheet with `above` empty rows over the header, behind `sheets_before` empty sheets."""
    workbook = openpyxl.Workbook()
    sheet = workbook.active
    for _ in range(sheets_before):
        sheet = workbook.create_sheet()
    for column, name in enumerate(table.columns, start=1):
        sheet.cell(1 + above, column, name)
        for row, cell in enumerate(table.iloc[:, column - 1], start=2 + above):
            if not pd.isna(cell):
                sheet.cell(row, column, cell)
    workbook.save(path)
    return path


def write(table: pd.DataFrame, path: Path) -> Path:
    return (write_csv if path.suffix == ".csv" else write_xlsx)(table, path)


def typed(table: pd.DataFrame) -> pd.DataFrame:
    """The same export as Excel would hold it: numbers for IDs, dates for days."""
    days = [*table.columns[3:5], *table.columns[7:]]
    as_days = {name: [cell and datetime.datetime.fromisoformat(cell) for cell in table[name]] for name in days}
    columns = {name: table[name].tolist() for name in table} | {"ID": [int(number) for number in table["ID"]]}
    return pd.DataFrame(columns | as_days, dtype=object)
