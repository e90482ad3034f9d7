"""All addresses of OpenHIM's protocol: importing this module completes `api`."""

from proxy.openhim import api_metadata, api_records, api_transactions  # noqa: F401 - they join `api`
from proxy.openhim.api import api

__all__ = ["api"]
