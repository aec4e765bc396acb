"""Exact answers where the world is known: backward induction, shared plans, what to buy (chapters 3 and 5)."""
