"""What comes in and goes out over the API, and what a record looks like."""
