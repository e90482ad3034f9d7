"""One click in a mail program, and a person gets no more e-mails (RFC 8058)."""
