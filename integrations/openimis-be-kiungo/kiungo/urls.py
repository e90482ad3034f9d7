"""The module's addresses."""

from django.urls import path

from kiungo.views import CommunicationByNotificationReport

urlpatterns = [
    path("communication_by_notification_report/", CommunicationByNotificationReport.as_view()),
]
