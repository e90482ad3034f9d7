"""Mails over one connection to the mail server, which is opened anew when it broke."""

import smtplib
from collections.abc import Callable
from contextlib import suppress

CLOSING = 421
RECIPIENT = "RCPT TO"
#: Authentication required, or failed: said of us, whatever the step.
OUR_CODES = (530, 534, 535, 538)


class RefusedError(Exception):
    """The server surely did not take the message; `code` is what it said, 0 if nothing."""

    def __init__(self, reason: str, code: int = 0) -> None:
        super().__init__(reason)
        self.code = code


class RecipientRefusedError(RefusedError):
    """The server does not take mail for this address."""


class TransportClosedError(RefusedError):
    """The server takes no mail of ours at all: nobody's mail is to blame."""


class UnknownOutcomeError(Exception):
    """The connection broke after the last byte had left."""


class SmtpSession:
    """One mail after the other; the first one opens the connection."""

    def __init__(self, connect: Callable[[], smtplib.SMTP]) -> None:
        self._connect = connect
        self._smtp: smtplib.SMTP | None = None

    def hand_over(self, return_path: str, recipient: str, content: bytes) -> None:
        """Give a mail to the server. Raises RefusedError, UnknownOutcomeError."""
        smtp = self._begin(return_path)
        try:
            self._expect(RECIPIENT, smtp.rcpt(recipient)[0], 250, 251)
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

    def _begin(self, return_path: str) -> smtplib.SMTP:
        """A connection after MAIL FROM. Raises TransportClosedError: our sender is refused.

        One that the server gave up while it rested is opened anew, once.
        """
        for is_rested in [True, False] if self._smtp else [False]:
            smtp = self._smtp = self._smtp or self._open()
            try:
                code = smtp.mail(return_path)[0]
            except OSError:
                code = CLOSING
            if code == CLOSING:
                self.close()
            if not (code == CLOSING and is_rested):
                break
        self._expect("MAIL FROM", code, 250)
        return smtp

    def _open(self) -> smtplib.SMTP:
        """Raises TransportClosedError."""
        try:
            return self._connect()
        except smtplib.SMTPAuthenticationError as exc:
            raise TransportClosedError("the server does not accept our credentials") from exc
        except smtplib.SMTPNotSupportedError as exc:
            why = "the server offers no STARTTLS, or no log-in that we know"
            raise TransportClosedError(why) from exc
        except (OSError, ValueError) as exc:
            raise TransportClosedError(
                f"no connection to the server ({type(exc).__name__})"
            ) from exc

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
        rejection = (
            TransportClosedError if step == "MAIL FROM" or code in OUR_CODES else RefusedError
        )
        if step == RECIPIENT and rejection is RefusedError:
            rejection = RecipientRefusedError
        raise rejection(f"the server answered {code} to {step}", code)

    def close(self) -> None:
        """Say good-bye, if anybody listens."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            with suppress(OSError):
                smtp.quit()
            smtp.close()

    def drop(self) -> None:
        """Leave without a word: nobody knows where the conversation stands."""
        smtp, self._smtp = self._smtp, None
        if smtp is not None:
            smtp.close()
