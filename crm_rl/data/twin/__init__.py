"""The synthetic twin of the original export: its spec, and how it is drawn from it."""
