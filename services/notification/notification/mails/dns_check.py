"""DNS is asked, when somebody wants it, whether e-mails in the sender's name are believed."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

import dns.exception
import dns.name
import dns.resolver
from dns.nameserver import Do53Nameserver

from notification.mails.dns_advice import (
    Answer,
    Finding,
    Signing,
    judge_bounces,
    judge_dkim,
    judge_dmarc,
    judge_spf,
)
from notification.mails.dns_servers import DnsServer

#: Seconds for one name, all servers and attempts together; the names are asked at once.
LIFETIME_S = 4.0
_NO_SUCH = (dns.resolver.NXDOMAIN, dns.resolver.NoAnswer)

Question = tuple[str, str]
"""A name and a type of record."""


def check(
    domain: str,
    *,
    server: str,
    signing: Signing | None,
    bounce_domain: str,
    report_to: str,
    servers: Sequence[DnsServer],
) -> list[Finding]:
    """What DNS says for mails from `domain`, sent over `server`; reports of DMARC to `report_to`.

    `servers` are asked; none: the system's.
    """
    envelope = bounce_domain or domain
    dmarc = [f"_dmarc.{one}" for one in _upwards(domain)]
    key = f"{signing.selector}._domainkey.{domain}" if signing else ""
    names = {
        (envelope, "TXT"),
        (bounce_domain, "MX"),
        (key, "TXT"),
        *((one, "TXT") for one in dmarc),
    }
    questions = [one for one in sorted(names) if one[0]]
    with ThreadPoolExecutor(len(questions)) as threads:
        found = threads.map(lambda one: _ask(_resolver(servers), *one), questions)
        answers = dict(zip(questions, found, strict=True))
    findings = [
        judge_spf(envelope, answers[envelope, "TXT"], server),
        judge_dkim(domain, signing, answers.get((key, "TXT"), Answer())),
        judge_dmarc(domain, {one: answers[one, "TXT"] for one in dmarc}, report_to),
    ]
    if bounce_domain:
        findings.append(judge_bounces(bounce_domain, answers[bounce_domain, "MX"]))
    return findings


def _upwards(domain: str) -> list[str]:
    """The domain and those above it, without the topmost."""
    labels = domain.split(".")
    return [".".join(labels[at:]) for at in range(max(len(labels) - 1, 1))]


def _resolver(servers: Sequence[DnsServer]) -> dns.resolver.Resolver:
    """Raises DNSException: the system names no server."""
    resolver = dns.resolver.Resolver(configure=not servers)
    if servers:
        resolver.nameservers = [Do53Nameserver(host, port) for host, port in servers]
    return resolver


def _ask(resolver: dns.resolver.Resolver, name: str, type_: str) -> Answer:
    try:
        found = resolver.resolve(name, type_, search=False, lifetime=LIFETIME_S)
    except _NO_SUCH:
        return Answer()
    except (dns.exception.DNSException, OSError) as exc:
        return Answer(error=f"no answer from a name server ({type(exc).__name__})")
    return Answer(tuple(_text(one) for one in found))


def _text(record: object) -> str:
    """A TXT record's pieces in one; of others how they are written."""
    pieces = getattr(record, "strings", None)
    return b"".join(pieces).decode(errors="replace") if pieces is not None else str(record)
