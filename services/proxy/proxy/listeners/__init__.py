"""Messages that come in on a port: frames become calls, and what those answer goes back."""
