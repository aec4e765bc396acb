"""Email audiences: whom to write to (chapter 10)."""
