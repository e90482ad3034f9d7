"""E-mails of the proxy's own, which the notification service hands to the mail server at once."""

from collections.abc import Callable

from common.http.client import HttpClient
from common.http.outcomes import NotSent, OutboundError, Timeouts

SENT, NOT_SENT, UNKNOWN = "sent", "not sent", "unknown"
#: What no client can be given: whoever holds it writes to anybody, in any words.
SCOPE = "notification:mail"
#: The mail server has a quarter of a minute for each word.
_TIMEOUTS = Timeouts(connect_s=3.0, read_s=60.0)


class Mails:
    """Sends one e-mail at a time; `token` gives this service's own access token."""

    def __init__(self, url: str, token: Callable[[], str]) -> None:
        self._url = f"{url.rstrip('/')}/api/notification/mail/"
        self._token = token
        self._client = HttpClient(_TIMEOUTS, pool_size=2)

    def send(self, to: str, subject: str, body: str) -> tuple[str, str]:
        """Its outcome, and what is said of it; it is tried once, and kept nowhere."""
        given = {"to": to, "subject": subject, "body": body}
        headers = {"Authorization": f"Bearer {self._token()}"}
        try:
            answer = self._client.request("POST", self._url, json=given, headers=headers)
            if answer.status_code != 200:
                return NOT_SENT, f"notification answered {answer.status_code}"
            said = answer.json()
            return str(said["outcome"]), str(said["reason"])
        except NotSent as exc:
            return NOT_SENT, str(exc)
        except (OutboundError, ValueError, LookupError) as exc:
            return UNKNOWN, str(exc)
