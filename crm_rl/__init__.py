"""Reinforcement learning in the sales funnel: the small package behind the book."""
