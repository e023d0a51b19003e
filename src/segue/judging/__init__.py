"""Judging what a bundle makes: its likelihood of music, its takes beside real music, its drift."""
