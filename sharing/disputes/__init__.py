"""Disputes (共享争议): negotiation, coordination by the data authority, then its superior (domain.md §5)."""
