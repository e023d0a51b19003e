"""Four kinds of model and three encodings at equal size and equal processor time."""
