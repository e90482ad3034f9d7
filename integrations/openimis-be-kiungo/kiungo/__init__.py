"""openIMIS's end of Kiungo: consents are kept here, changes are forwarded."""
