"""What a policy is worth and how sure that is (chapters 7 and 8)."""
