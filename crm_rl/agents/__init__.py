"""Who chooses actions: tables, networks, rivals, and how they are saved (chapters 4 to 7)."""
