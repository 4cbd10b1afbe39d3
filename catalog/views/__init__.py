"""Pages of the internal catalogue."""
