"""An attempt: messages leave through an open way, and each gets its ending."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import datetime
from types import MappingProxyType

from common import tracing
from common.clock import utc_now
from common.logs import get_logger

from notification.models import ChannelCode, OutboxMessage
from notification.outbox.attachments import Files
from notification.outbox.attempt_ends import Ended
from notification.outbox.claiming import Job
from notification.outbox.outcomes import completion_of
from notification.transports import Message, Outcome, Result, Sender

log = get_logger(__name__)

SPAN = "notification.outbox"
#: The field that a message of a channel needs.
_ADDRESS = {
    ChannelCode.SMS: "to_phone",
    ChannelCode.EMAIL: "to_email",
    ChannelCode.WEBHOOK: "recipient",
}


NO_FILES: Files = MappingProxyType({})


def attempt(sender: Sender, jobs: Sequence[Job], files: Files = NO_FILES) -> list[Ended]:
    """Send what has an address; every job gets its ending."""
    leaving = [message for message in (message_of(one, files) for one in jobs) if message.to]
    references = [message.reference for message in leaving]
    with traced(jobs):
        results = dict(zip(references, _send(sender, leaving), strict=True))
    now = utc_now()
    return [ended(job, results.get(job.idempotency_key) or _no_address(job), now) for job in jobs]


@contextmanager
def traced(jobs: Sequence[Job]) -> Iterator[None]:
    """A span of each message in its own trace, and within it one of the provider's call.

    Messages that a provider gets together share the call's time.
    """
    with ExitStack() as spans:
        for job in jobs if tracing.is_on() else ():
            if job.traceparent is not None:
                one = spans.enter_context(tracing.job_span(SPAN, job.traceparent))
                call = tracing.span(
                    f"send {job.channel}", tracing.Kind.CLIENT, parent=one.traceparent
                )
                spans.enter_context(call)
        yield


def _send(sender: Sender, messages: Sequence[Message]) -> list[Result]:
    try:
        return sender.send(messages) if messages else []
    except Exception as exc:
        log.exception("transport_broke")
        broken = Result(outcome=Outcome.UNKNOWN, provider="", error=f"{type(exc).__name__} (a bug)")
        return [broken] * len(messages)


def _no_address(job: Job) -> Result:
    missing = f"No {_ADDRESS[job.channel]}"
    return Result(outcome=Outcome.REFUSED_FOR_GOOD, provider="", error=missing)


def ended(job: Job, result: Result, now: datetime) -> Ended:
    """What `result` means for this attempt."""
    completion = completion_of(
        result.outcome,
        now,
        attempt=job.attempt_count,
        max_attempts=job.max_attempts,
        retry_after_s=result.retry_after_s,
    )
    return Ended(job, result, completion)


def message_of(of: Job | OutboxMessage, files: Files = NO_FILES) -> Message:
    """What leaves; `files` are those that were read for it."""
    if of.channel is ChannelCode.EMAIL:
        to: tuple[str, ...] = (of.to_email,) if of.to_email else ()
    elif of.channel is ChannelCode.WEBHOOK:
        to = (of.recipient_user_id,)  # the transport knows where they listen
    else:
        to = tuple(number for number in (of.to_phone or "").split(",") if number)
    return Message(
        reference=of.idempotency_key,
        channel=of.channel,
        to=to,
        subject=of.subject,
        body=of.body or "",
        html=of.html,
        language=of.language,
        attachments=files.get(of.attachment_set, ()) if of.attachment_set else (),
        attempt=(of.id, of.earlier_entries + of.attempt_count),
        person=(of.recipient_user_id, of.recipient_actor_type),
        sender_name=of.sender_name,
        reply_to=of.reply_to,
        event_code=of.event_code,
        entity=(of.entity_type, of.entity_id),
    )
