"""The report's address."""

from kiungo.urls import urlpatterns

__all__ = ["urlpatterns"]
