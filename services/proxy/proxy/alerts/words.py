"""The words of messages about alerts, in the language that is spoken. Pure."""

from dataclasses import dataclass

from common.clock import rfc3339
from common.texts import N_, _

from proxy.alerts.deciding import Act
from proxy.alerts.readings import DETAILS, Reading
from proxy.models import Alert

_BEGINNINGS = {
    Act.RAISE: N_("ALERT"),
    Act.REPEAT: N_("STILL"),
    Act.ESCALATE: N_("NOT ACKNOWLEDGED"),
    Act.END: N_("WELL AGAIN"),
}


@dataclass(frozen=True)
class Words:
    """What an SMS says, which is also an e-mail's subject, and what an e-mail says."""

    short: str
    long: str


def of(act: Act, alert: Alert, reading: Reading, console_url: str) -> Words:
    """What is said of an alert; `console_url`: where its page is, empty: nowhere."""
    about = f"{alert.rule_name}: {alert.subject}" if alert.subject else alert.rule_name
    short = f"{_(_BEGINNINGS[act])} {about}: {DETAILS.gettext(reading.detail)}"
    lines = [short, "", _("Since %(moment)s", moment=rfc3339(alert.created_at))]
    if alert.ended_at is not None:
        lines.append(_("Until %(moment)s", moment=rfc3339(alert.ended_at)))
    if console_url:
        lines.append(f"{console_url}/admin/mediator/alerts/{alert.id}/")
    return Words(short[:255], "\n".join(lines))
