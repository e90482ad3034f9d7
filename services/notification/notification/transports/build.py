"""The transports that the settings ask for."""

from collections.abc import Mapping
from pathlib import Path

from notification.config import Settings
from notification.models import ChannelCode
from notification.transports.base import Transport
from notification.transports.not_set_up import NotSetUp
from notification.transports.sms.africastalking import AfricasTalking
from notification.transports.sms.beem import Beem
from notification.transports.sms.dialect import Dialect
from notification.transports.sms.generic import Generic, NextSms
from notification.transports.sms.http_provider import HttpProvider
from notification.transports.sms.infobip import Infobip
from notification.transports.sms.local import Console, Files
from notification.transports.sms.mgov import MGov
from notification.transports.sms.settings import SmsSettings
from notification.transports.sms.smpp import Smpp
from notification.transports.sms.smpp_bind import TakeReceipts
from notification.transports.sms.transport import Provider, SmsTransport
from notification.transports.smtp import SmtpTransport
from notification.transports.webhook import Directory, WebhookTransport

DIALECTS: Mapping[str, type[Dialect]] = {
    "generic": Generic,
    "nextsms": NextSms,
    "beem": Beem,
    "africastalking": AfricasTalking,
    "infobip": Infobip,
    "mgov": MGov,
}


def build_transports(
    settings: Settings, take: TakeReceipts | None = None, webhooks: Directory | None = None
) -> Mapping[ChannelCode, Transport]:
    """One per channel that leaves the house. Raises SettingError.

    `take`: who takes receipts that a provider sends over a connection of ours; `webhooks`: who
    knows where recipients listen.
    """
    return {
        ChannelCode.SMS: _sms(settings, take),
        ChannelCode.EMAIL: _email(settings),
        ChannelCode.WEBHOOK: WebhookTransport(webhooks, settings.outbound())
        if webhooks is not None
        else NotSetUp(ChannelCode.WEBHOOK, "NOTIFICATION_WEBHOOK_SECRET"),
    }


def _sms(settings: Settings, take: TakeReceipts | None) -> Transport:
    if not settings.sms:
        return NotSetUp(ChannelCode.SMS, "NOTIFICATION_SMS_PROVIDER")
    providers = [_provider(one, settings.var_dir, take) for one in settings.sms]
    # Some rounds of requests: the fewer slices, the less is written for each message.
    return SmsTransport(providers, 4 * max(one.concurrency for one in settings.sms))


def _provider(settings: SmsSettings, var_dir: Path, take: TakeReceipts | None) -> Provider:
    if settings.name == Console.name:
        return Console()
    if settings.name == Files.name:
        return Files(var_dir / settings.folder)
    if settings.name == Smpp.name:
        return Smpp(settings, take)
    return HttpProvider(DIALECTS[settings.name](settings))


def _email(settings: Settings) -> Transport:
    if settings.smtp_host is None:
        return NotSetUp(ChannelCode.EMAIL, "NOTIFICATION_SMTP_HOST")
    return SmtpTransport.of(settings)
