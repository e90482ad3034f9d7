"""Work that must be done: claims under a lease, events between services, the broker, the worker."""
