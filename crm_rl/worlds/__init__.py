"""The worlds that agents act in: pure dynamics, and the thin interfaces around them (chapter 3)."""
