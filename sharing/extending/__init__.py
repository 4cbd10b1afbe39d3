"""More time for a provider's step, once, with the consent of the data authority (延期答复)."""
