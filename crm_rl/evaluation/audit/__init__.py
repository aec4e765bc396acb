"""The audit of a published score: floor, ceiling, split, leak (chapter 9)."""
