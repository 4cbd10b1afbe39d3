"""Keeping grants: renewal before the end (续期), and the yearly review of their use (年度复核)."""
