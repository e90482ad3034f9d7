"""One module per service, each written by `tools/client_code.py` from its OpenAPI document."""
