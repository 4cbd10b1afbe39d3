"""The data plane: files in, Delta tables kept, rows read and exported. Knows nothing of people or catalogue records."""
