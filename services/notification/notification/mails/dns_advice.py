"""What a domain's records in DNS mean for e-mails in its name, and what to publish. Pure.

Sources: RFC 7208 (SPF), RFC 6376 and 8301 (DKIM), RFC 7489 (DMARC).
"""

import enum
import ipaddress
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

#: Below, large receivers warn of a key.
GOOD_KEY_BITS = 2048


class Verdict(enum.StrEnum):
    """How a record stands; its value is how the console marks it."""

    GOOD = "good"
    WEAK = "warn"
    BAD = "bad"
    UNKNOWN = "unknown"  # nobody answered in time, or the answer was an error


@dataclass(frozen=True, slots=True)
class Answer:
    """The records of a name and type; `error`: why they are not known."""

    records: Sequence[str] = ()
    error: str | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """What is said of one of the records; `publish` is the text that should be there."""

    about: str
    name: str
    verdict: Verdict
    advice: str
    records: Sequence[str] = ()
    publish: str | None = None


@dataclass(frozen=True, slots=True)
class Signing:
    """What mails are signed with: the public key is base64 of its DER form."""

    selector: str
    public_key: str
    key_bits: int


def judge_spf(domain: str, answer: Answer, server: str) -> Finding:
    """Who may send in the name of `domain`, the one that the mail server is told."""
    records = [one for one in answer.records if re.match(r"v=spf1( |$)", one, re.IGNORECASE)]
    publish = f"v=spf1 {_mechanism(server)} ~all"

    def finding(verdict: Verdict, advice: str, text: str | None = None) -> Finding:
        return Finding("SPF", domain, verdict, advice, records, text)

    if answer.error:
        return finding(Verdict.UNKNOWN, f"Not known: {answer.error}.")
    if len(records) != 1:
        why = "More than one record: receivers take none of them." if records else "No record."
        return finding(Verdict.BAD, f"{why} Name the servers that send.", publish)
    *_, last = ["", *records[0].lower().split()]
    if last in ("all", "+all"):
        return finding(Verdict.BAD, "Everybody may send: end it with ~all or -all.", publish)
    if last not in ("~all", "-all") and "redirect=" not in records[0].lower():
        return finding(Verdict.WEAK, "It says nothing of others: end it with ~all or -all.")
    return finding(Verdict.GOOD, f"See that what sends for {server} is among those it names.")


def _mechanism(server: str) -> str:
    """How a record names the mail server; one on loopback hands mails to another one."""
    try:
        address = ipaddress.ip_address(server)
    except ValueError:
        return "mx" if server == "localhost" else f"a:{server}"
    return "mx" if address.is_loopback else f"ip{address.version}:{address}"


def judge_dkim(domain: str, signing: Signing | None, answer: Answer) -> Finding:
    """Whether receivers find the key that mails are signed with."""
    if signing is None:
        advice = "This service does not sign: the mail server should, or set NOTIFICATION_DKIM_…"
        return Finding("DKIM", f"…._domainkey.{domain}", Verdict.WEAK, advice)
    publish = f"v=DKIM1; k=rsa; p={signing.public_key}"

    def finding(verdict: Verdict, advice: str, text: str | None = None) -> Finding:
        name = f"{signing.selector}._domainkey.{domain}"
        return Finding("DKIM", name, verdict, advice, answer.records, text)

    if answer.error:
        return finding(Verdict.UNKNOWN, f"Not known: {answer.error}.")
    if len(answer.records) != 1:
        why = (
            "More than one record." if answer.records else "No record: no signature is found good."
        )
        return finding(Verdict.BAD, why, publish)
    tags = _tags(answer.records[0])
    key = re.sub(r"\s", "", tags.get("p", ""))
    if key != signing.public_key:
        why = "Another key than mails are signed with" if key else "The key is revoked"
        return finding(Verdict.BAD, f"{why}: no signature is found good.", publish)
    if "y" in tags.get("t", "").split(":"):
        return finding(Verdict.WEAK, "The domain is testing: take out t=y.", publish)
    if signing.key_bits < GOOD_KEY_BITS:
        return finding(Verdict.WEAK, f"The key has {signing.key_bits} bits: make one of 2048.")
    return finding(Verdict.GOOD, "Receivers find the key that mails are signed with.")


def judge_dmarc(domain: str, answers: Mapping[str, Answer], report_to: str) -> Finding:
    """What receivers do with mails that prove nothing; `answers` from the domain upwards."""
    home = f"_dmarc.{domain}"
    publish = f"v=DMARC1; p=none; rua=mailto:{report_to}"
    for name, answer in answers.items():
        records = [one for one in answer.records if one.lower().startswith("v=dmarc1")]
        if answer.error:
            return Finding("DMARC", name, Verdict.UNKNOWN, f"Not known: {answer.error}.")
        if len(records) > 1:
            advice = "More than one record: receivers take none of them."
            return Finding("DMARC", name, Verdict.BAD, advice, records, publish)
        if records:
            return _policy(name, records[0], is_own=name == home)
    advice = "No record. Begin with watching, then ask for quarantine and reject."
    return Finding("DMARC", home, Verdict.BAD, advice, (), publish)


def _policy(name: str, record: str, *, is_own: bool) -> Finding:
    tags = _tags(record)
    policy = (None if is_own else tags.get("sp")) or tags.get("p")
    if policy in ("quarantine", "reject"):
        advice = f"Forged mails are to be {policy.removesuffix('e')}ed."
        return Finding("DMARC", name, Verdict.GOOD, advice, [record])
    if policy == "none":
        advice = "Forged mails are only watched: ask for p=quarantine when reports look good."
        return Finding("DMARC", name, Verdict.WEAK, advice, [record])
    return Finding("DMARC", name, Verdict.BAD, "It asks for nothing: p= is missing.", [record])


def judge_bounces(bounce_domain: str, answer: Answer) -> Finding:
    """Whether failures find their way back."""

    def finding(verdict: Verdict, advice: str) -> Finding:
        return Finding("Failures", bounce_domain, verdict, advice, answer.records)

    if answer.error:
        return finding(Verdict.UNKNOWN, f"Not known: {answer.error}.")
    if not answer.records:
        advice = "No MX record: name the mail server that hands failures to mail-reports/."
        return finding(Verdict.BAD, advice)
    return finding(Verdict.GOOD, "This server must hand what it gets to mail-reports/.")


def _tags(record: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in record.split(";"))
    return {name.strip().lower(): value.strip() for name, _, value in pairs}
