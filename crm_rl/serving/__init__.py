"""A trained policy asked about customers."""
