"""musicvae of sixteen bars: what is asked of two."""

from bench.systems.checks.musicvae_2bar_small import measure

__all__ = ["measure"]
