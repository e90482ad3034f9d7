"""Records of another system's database come over: read, told apart from what is known, reported."""
