"""Offers under a weekly budget (chapter 12)."""
