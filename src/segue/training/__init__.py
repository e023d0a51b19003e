"""One training loop round any model: Lightning behind it, a run folder in front."""
