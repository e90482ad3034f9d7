"""A small openIMIS: the project that its modules expect around them."""
