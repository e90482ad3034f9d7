"""How the read model is filled: over the API, by events, from files."""
