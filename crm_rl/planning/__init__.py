"""Exact answers where the world is known: backward induction, shared plans, what to buy (chapter 3)."""
