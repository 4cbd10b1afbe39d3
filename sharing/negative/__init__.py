"""The negative list (负面清单): what is not shared, with its basis and the day of its next review."""
