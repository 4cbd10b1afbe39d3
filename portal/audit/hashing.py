"""Digests and the one way in which records become bytes."""

from __future__ import annotations

import hashlib
import json
from typing import Any


def canonical(value: Any) -> bytes:
    """JSON with sorted keys and without spaces, in UTF-8."""
    return json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()


def raw_digest(algorithm: str, data: bytes) -> bytes:
    """32 bytes of SHA-256 or SM3 (GB/T 32905)."""
    return hashlib.new(algorithm, data).digest()


def digest(algorithm: str, data: bytes) -> str:
    """``raw_digest`` in hex."""
    return raw_digest(algorithm, data).hex()
