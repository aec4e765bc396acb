"""The recorded studies: what is run, how often, and where it is kept."""
