"""The report of who can be notified, at openIMIS's own address; Kiungo makes it."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import HttpResponse, StreamingHttpResponse
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.request import Request
from rest_framework.views import APIView

from kiungo.apps import KiungoConfig, KiungoSettings
from kiungo.client import Kiungo, KiungoAway

#: What is passed on of the answer.
_HEADERS = ("Content-Type", "Content-Disposition")


class _AsKiungoSays(BaseContentNegotiation):
    """`format` is the report's, and no renderer's of ours."""

    def select_parser(self, _request: Any, parsers: Any) -> Any:
        """Nothing is read."""
        return parsers[0]

    def select_renderer(
        self, _request: Any, renderers: Any, _format_suffix: Any = None
    ) -> tuple[Any, str]:
        """For errors."""
        return renderers[0], renderers[0].media_type


class CommunicationByNotificationReport(APIView):
    """The report, for users with the right 131224."""

    content_negotiation_class = _AsKiungoSays

    def get(self, request: Request) -> Any:
        """It is passed on as Kiungo makes it."""
        if not request.user.has_perms(KiungoConfig.report_perms):
            raise PermissionDenied("unauthorized")
        try:
            answer = Kiungo(KiungoSettings.read()).report(request.query_params.dict())
        except KiungoAway as exc:
            return HttpResponse(str(exc), status=HTTPStatus.BAD_GATEWAY, content_type="text/plain")
        page = StreamingHttpResponse(answer.iter_content(65_536), status=answer.status_code)
        for name in _HEADERS:
            if name in answer.headers:
                page[name] = answer.headers[name]
        return page
