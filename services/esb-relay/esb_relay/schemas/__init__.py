"""What travels over the API, in and out."""
