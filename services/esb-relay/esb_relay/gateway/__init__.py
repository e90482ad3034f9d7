"""The gateway: messages for the bus, and the calls of the bus, on one event loop."""
