"""E-mail over SMTP: one connection serves a batch, and is opened anew when it broke."""

import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from common.clock import utc_now
from common.settings import SettingError

from notification.config import Settings
from notification.models import ChannelCode
from notification.transports.base import Message, Outcome, Result
from notification.transports.mail import BadMailError, compose, mailbox, message_id

PROVIDER = "smtp"
#: Their outcome cannot be asked for: few may be in doubt.
SLICE_SIZE = 10
CLOSING = 421


class RefusedError(Exception):
    """The server surely did not take the message; `code` is what it said, 0 if nothing."""

    def __init__(self, reason: str, code: int = 0) -> None:
        super().__init__(reason)
        self.code = code


class UnknownOutcomeError(Exception):
    """The connection broke after the last byte had left."""


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
    sender: str
    channel: ChannelCode = ChannelCode.EMAIL
    slice_size: int = SLICE_SIZE

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
            sender = mailbox(settings.from_email or settings.smtp_username)
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
        greeting = self.sender.rpartition("@")[2]
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


class MailBatch:
    """Mails over one connection."""

    def __init__(self, transport: SmtpTransport) -> None:
        self._transport = transport
        self._smtp: smtplib.SMTP | None = None
        #: Why no connection can be made; the rest of the batch does not try again.
        self._unreachable: str | None = None

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """One after the other."""
        return [self._send(message) for message in messages]

    def _send(self, message: Message) -> Result:
        try:
            recipient = mailbox(message.to[0] if message.to else "")
            content = compose(message, self._transport.sender, recipient, utc_now())
        except BadMailError as exc:
            return _refusal(Outcome.REFUSED_FOR_GOOD, str(exc))
        try:
            self._hand_over(recipient, content)
        except RefusedError as exc:
            for_good = 500 <= exc.code < 600
            outcome = Outcome.REFUSED_FOR_GOOD if for_good else Outcome.REFUSED_FOR_NOW
            return _refusal(outcome, str(exc), exc.code)
        except UnknownOutcomeError:
            return _refusal(Outcome.UNKNOWN, "the connection broke before the server's last word")
        domain = self._transport.sender.rpartition("@")[2]
        known_as = message_id(message.reference, domain)
        return Result(outcome=Outcome.SENT, provider=PROVIDER, provider_message_id=known_as)

    def _hand_over(self, recipient: str, content: bytes) -> None:
        """Give the mail to the server. Raises RefusedError, UnknownOutcomeError."""
        smtp = self._begin()
        try:
            self._expect("RCPT TO", smtp.rcpt(recipient)[0], 250, 251)
            self._expect("DATA", smtp.docmd("DATA")[0], 354)
            smtp.send(content + b".\r\n")
        except OSError as exc:
            self.close()
            raise RefusedError("the connection broke before the mail had left") from exc
        try:
            code = smtp.getreply()[0]
        except OSError as exc:
            self.close()
            raise UnknownOutcomeError from exc
        if not 200 <= code < 600:
            self.close()
            raise UnknownOutcomeError
        self._expect("the mail", code, 250)

    def _begin(self) -> smtplib.SMTP:
        """A connection that has taken MAIL FROM. Raises RefusedError.

        One that the server gave up while it rested is opened anew, once.
        """
        for is_rested in [True, False] if self._smtp else [False]:
            smtp = self._smtp = self._smtp or self._open()
            try:
                code = smtp.mail(self._transport.sender)[0]
            except OSError:
                code = CLOSING
            if code == CLOSING:
                self.close()
            if not (code == CLOSING and is_rested):
                break
        self._expect("MAIL FROM", code, 250)
        return smtp

    def _open(self) -> smtplib.SMTP:
        if self._unreachable is None:
            try:
                return self._transport.connect()
            except smtplib.SMTPAuthenticationError:
                self._unreachable = "the server does not accept our credentials"
            except smtplib.SMTPNotSupportedError:
                self._unreachable = "the server offers no STARTTLS, or no log-in that we know"
            except (OSError, ValueError) as exc:
                self._unreachable = f"no connection to the server ({type(exc).__name__})"
        raise RefusedError(self._unreachable)

    def _expect(self, step: str, code: int, *wanted: int) -> None:
        """Raises RefusedError for another code; the connection is then ready for the next mail."""
        if code in wanted:
            return
        if self._smtp is not None:
            try:
                is_ready = code != CLOSING and self._smtp.rset()[0] == 250
            except OSError:
                is_ready = False
            if not is_ready:
                self.close()
        raise RefusedError(f"the server answered {code} to {step}", code)

    def close(self) -> None:
        """Say good-bye, if anybody listens."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with suppress(OSError):
                smtp.quit()
            smtp.close()


def _refusal(outcome: Outcome, error: str, code: int = 0) -> Result:
    response = {"smtp_code": code} if code else None
    return Result(outcome=outcome, provider=PROVIDER, error=error, response=response)
