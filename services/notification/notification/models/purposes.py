"""What sealed columns of several tables have in common: they are joined, or mean the same."""

PERSON = b"person "
CONTEXT = b"context "
