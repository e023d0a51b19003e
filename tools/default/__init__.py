"""How the default bundle is made: its music, its training and its examination."""
