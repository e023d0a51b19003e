"""The service: `/api/v1` and the studio page, from one process."""

from __future__ import annotations

from segue.server.settings import DEFAULT_PORT, Limits, Settings

__all__ = ["DEFAULT_PORT", "Limits", "Settings"]
