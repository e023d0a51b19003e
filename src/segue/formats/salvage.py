"""Stub replaced below."""
from __future__ import annotations
from segue.errors import FormatError
def salvage(data: bytes, name: str) -> tuple[bytes, list[str]]:
    raise FormatError(f"{name} damaged.")
