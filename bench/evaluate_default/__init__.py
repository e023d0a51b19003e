"""The judge of the default model: five measures on held-out works, and its gallery."""
