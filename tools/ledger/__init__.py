"""The claims ledger: `python -m tools.ledger` writes the tables of its page."""
