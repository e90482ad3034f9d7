"""All addresses of OpenHIM's protocol: importing this module completes `api`."""

from proxy.openhim import (  # noqa: F401 - they join `api`
    api_metadata,
    api_records,
    api_tasks,
    api_transactions,
)
from proxy.openhim.api import api

__all__ = ["api"]
