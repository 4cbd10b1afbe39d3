"""Identifiers that leave the portal: UUIDv7, so that they are global and sort by time of creation."""

from uuid import UUID

import uuid6


def new_id() -> UUID:
    """A new UUIDv7 (RFC 9562)."""
    return UUID(int=uuid6.uuid7().int)
