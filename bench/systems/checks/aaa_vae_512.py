"""As aaa-vae-256."""

from bench.systems.checks.aaa_vae_256 import measure

__all__ = ["measure"]
