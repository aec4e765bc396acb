"""From an export to customers: load, validate, clean, split (chapter 1)."""

from crm_rl.data.cached import customers
from crm_rl.data.clean import CleaningReport, clean, customer_schema
from crm_rl.data.columns import COLUMNS, CONTACTS, EVENTS, SNAPSHOT_DATE
from crm_rl.data.load import as_rows, data_path, load
from crm_rl.data.problems import DataError

__all__ = [
    "COLUMNS",
    "CONTACTS",
    "EVENTS",
    "SNAPSHOT_DATE",
    "CleaningReport",
    "DataError",
    "as_rows",
    "clean",
    "customer_schema",
    "customers",
    "data_path",
    "load",
]
