"""Our recipes by the protocols of published likelihood tables: `bench/published.py` runs it."""
