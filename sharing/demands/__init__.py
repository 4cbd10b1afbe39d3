"""The demand list (需求清单): data that are asked for and not in the catalogue."""
