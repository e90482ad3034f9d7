"""Key pairs of the relay and of its correspondents, and what is signed with them by hand."""
