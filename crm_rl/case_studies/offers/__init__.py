"""Offers: what to send, worth how much, where and when (chapter 11)."""
