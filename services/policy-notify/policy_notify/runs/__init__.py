"""A run: when it begins, what it finds, what it decides, and how its messages leave."""
