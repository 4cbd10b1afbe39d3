"""Applications of enterprises, researchers and others, who have no account, for conditionally open data."""
