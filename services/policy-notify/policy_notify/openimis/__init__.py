"""Reading openIMIS's own database: families, policies and consents from the living system."""
