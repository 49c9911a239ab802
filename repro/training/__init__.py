"""Training: recipes (TOML), one loop for all taggers, checkpoints, cards of runs."""
