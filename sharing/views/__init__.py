"""Pages of sharing: basket and requests for applicants, the queue for offices, grants for both."""
