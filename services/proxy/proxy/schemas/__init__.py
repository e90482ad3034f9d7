"""The wire forms of the proxy's records: `…In` is read, `…Out` is answered."""
