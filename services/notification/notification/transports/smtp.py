"""E-mail over SMTP: a batch is composed, and leaves over one connection."""

import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

from common.clock import utc_now
from common.logs import get_logger
from common.settings import SettingError
from msgspec.structs import replace

from notification.config import Settings
from notification.mails.frame import NO_FRAME, Frame
from notification.mails.return_paths import ReturnPaths
from notification.models import ChannelCode
from notification.transports.base import Message, Outcome, Result
from notification.transports.dkim_signing import DkimSigner
from notification.transports.gate import Gate
from notification.transports.mail import (
    BadMailError,
    Sender,
    compose,
    mailbox,
    message_id,
    on_the_wire,
)
from notification.transports.smtp_session import (
    RecipientRefusedError,
    RefusedError,
    SmtpSession,
    TransportClosedError,
    UnknownOutcomeError,
)
from notification.unsubscribe.links import Links

log = get_logger(__name__)

PROVIDER = "smtp"
#: Their outcome cannot be asked for: few may be UNKNOWN.
SLICE_SIZE = 10


@dataclass(frozen=True, kw_only=True)
class SmtpTransport:
    """The mail server and who we are to it."""

    host: str
    port: int
    username: str
    password: str = field(repr=False)
    starts_tls: bool
    uses_ssl: bool
    timeout_s: float
    sender: Sender
    #: How e-mails are unsubscribed from with one click; None: by an answer only.
    links: Links | None = None
    signer: DkimSigner | None = None
    frame: Frame = NO_FRAME
    #: Where failures are sent back to; None: to the sender.
    return_paths: ReturnPaths | None = None
    channel: ChannelCode = ChannelCode.EMAIL
    slice_size: int = SLICE_SIZE
    gate: Gate = field(default_factory=lambda: Gate(ChannelCode.EMAIL, PROVIDER))

    @property
    def gates(self) -> Sequence[Gate]:
        """The server's one."""
        return (self.gate,)

    @classmethod
    def of(cls, settings: Settings) -> "SmtpTransport":
        """Raises SettingError, which names the variable that is wrong."""
        if settings.smtp_use_ssl and settings.smtp_use_tls:
            raise SettingError(
                "NOTIFICATION_SMTP_USE_SSL and NOTIFICATION_SMTP_USE_TLS exclude each other"
            )
        if bool(settings.smtp_username) != bool(settings.smtp_password):
            missing = "PASSWORD" if settings.smtp_username else "USERNAME"
            raise SettingError(f"NOTIFICATION_SMTP_{missing} is not set, but its partner is")
        try:
            sender = Sender.parse(settings.from_email or settings.smtp_username)
        except BadMailError as exc:
            raise SettingError(f"NOTIFICATION_FROM_EMAIL is needed: {exc}") from None
        return cls(
            host=settings.smtp_host or "",
            port=settings.smtp_port,
            username=settings.smtp_username,
            password=settings.smtp_password,
            starts_tls=settings.smtp_use_tls is not False and not settings.smtp_use_ssl,
            uses_ssl=settings.smtp_use_ssl,
            timeout_s=settings.smtp_timeout_s,
            sender=sender,
            links=settings.links,
            signer=_signer(settings, sender),
            frame=settings.mail_frame,
            return_paths=settings.return_paths,
        )

    @contextmanager
    def batch(self) -> Iterator["MailBatch"]:
        """A connection is opened with the first message, and closed in the end."""
        batch = MailBatch(self)
        try:
            yield batch
        finally:
            batch.close()

    def ask(self, message: Message, provider: str | None) -> Result | None:
        """SMTP cannot be asked."""
        return None

    def close(self) -> None:
        """Nothing is open."""

    def connect(self) -> smtplib.SMTP:
        """An open, encrypted, authenticated connection. Raises smtplib's errors and OSError.

        Where STARTTLS is wanted and not offered, nothing is sent in the clear.
        """
        # Not the host's own name: finding that out may take a name server's time-out.
        greeting = self.sender.domain
        if self.uses_ssl:
            context = ssl.create_default_context()
            smtp: smtplib.SMTP = smtplib.SMTP_SSL(
                self.host, self.port, greeting, timeout=self.timeout_s, context=context
            )
        else:
            smtp = smtplib.SMTP(self.host, self.port, greeting, timeout=self.timeout_s)
        try:
            if self.starts_tls:
                smtp.starttls(context=ssl.create_default_context())
            if self.username:
                smtp.login(self.username, self.password)
            smtp.ehlo_or_helo_if_needed()
        except BaseException:
            smtp.close()
            raise
        return smtp


def _signer(settings: Settings, sender: Sender) -> DkimSigner | None:
    """Raises SettingError."""
    selector, key_file = settings.dkim_selector, settings.dkim_key_file
    if selector and key_file:
        return DkimSigner.of(sender.domain, selector, key_file)
    if selector or key_file:
        missing = "KEY_FILE" if selector else "SELECTOR"
        raise SettingError(f"NOTIFICATION_DKIM_{missing} is not set, but its partner is")
    return None


@dataclass(frozen=True, slots=True)
class _Letter:
    """A mail as it leaves; `known_as` is its Message-ID."""

    recipient: str = field(repr=False)
    content: bytes = field(repr=False)
    known_as: str
    #: Who the server is told it is from.
    return_path: str


class MailBatch:
    """Mails over one connection."""

    def __init__(self, transport: SmtpTransport) -> None:
        self._transport = transport
        self._session = SmtpSession(transport.connect)
        #: What is said of the rest of the batch once the server takes nothing of ours.
        self._closed: Result | None = None

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """One after the other; all are composed before the first one leaves."""
        letters = [self._compose(message) for message in messages]
        results = [one if isinstance(one, Result) else self._send(one) for one in letters]
        self._transport.gate.note([one for one in results if one is not self._closed])
        return results

    def _compose(self, message: Message) -> "_Letter | Result":
        """A mail that is ready to leave, or why there is none: that concerns no other mail."""
        sender = self._transport.sender
        try:
            recipient = mailbox(message.to[0] if message.to else "")
            links = self._transport.links
            link = links.link(message.person) if links and message.person else None
            content = compose(message, sender, recipient, utc_now(), link, self._transport.frame)
            if self._transport.signer is not None:
                content = self._transport.signer.signed(content)
            content = on_the_wire(content)
        except BadMailError as exc:
            return _rejection(Outcome.REFUSED_FOR_GOOD, str(exc))
        except Exception as exc:
            log.exception("mail_not_composed")
            error = f"the mail cannot be composed ({type(exc).__name__})"
            return _rejection(Outcome.REFUSED_FOR_GOOD, error)
        paths = self._transport.return_paths
        path = paths.address(*message.attempt) if paths and message.attempt else sender.address
        return _Letter(recipient, content, message_id(message.reference, sender.domain), path)

    def _send(self, letter: "_Letter") -> Result:
        if self._closed is not None:
            return self._closed
        try:
            self._session.hand_over(letter.return_path, letter.recipient, letter.content)
        except TransportClosedError as exc:
            self._closed = _rejection(Outcome.TRANSPORT_CLOSED, str(exc))
            return _rejection(Outcome.TRANSPORT_CLOSED, str(exc), exc.code)
        except RefusedError as exc:
            for_good = 500 <= exc.code < 600
            outcome = Outcome.REFUSED_FOR_GOOD if for_good else Outcome.REFUSED_FOR_NOW
            is_unknown = for_good and isinstance(exc, RecipientRefusedError)
            return replace(_rejection(outcome, str(exc), exc.code), is_about_address=is_unknown)
        except UnknownOutcomeError:
            return _rejection(Outcome.UNKNOWN, "the connection broke before the server's last word")
        except Exception as exc:
            log.exception("mail_not_handed_over")
            self._session.drop()
            return _rejection(Outcome.UNKNOWN, f"{type(exc).__name__} (a bug)")
        return Result(outcome=Outcome.SENT, provider=PROVIDER, provider_message_id=letter.known_as)

    def close(self) -> None:
        """Say good-bye, if anybody listens."""
        self._session.close()


def _rejection(outcome: Outcome, error: str, code: int = 0) -> Result:
    response = {"smtp_code": code} if code else None
    return Result(outcome=outcome, provider=PROVIDER, error=error, response=response)
