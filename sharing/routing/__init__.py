"""Which route a request takes, and the page on which the authority builds and publishes routes."""
