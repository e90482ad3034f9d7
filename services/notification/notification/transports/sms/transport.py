"""The SMS channel: its providers in their order, the next only when the last surely has it not."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import reduce
from time import perf_counter
from typing import Protocol, runtime_checkable

from common.clock import utc_now
from msgspec.structs import replace

from notification.models import ChannelCode
from notification.transports.base import Message, Outcome, Result
from notification.transports.gate import Gate

#: A slice holds what leaves within so many seconds. While it does, a killed worker makes its
#: messages UNKNOWN; the fewer slices, the less is written for each message.
SLICE_S = 0.25


class Provider(Protocol):
    """One of the chain."""

    @property
    def name(self) -> str:
        """As the settings call it."""

    @property
    def segment_price(self) -> int:
        """What it asks for a segment, in ten-thousandths of the currency's unit."""

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Send; the results stand in the messages' order."""

    def ask(self, message: Message) -> Result | None:
        """What it has under the message's reference; None: it does not say."""

    def close(self) -> None:
        """Let go of what stays open between batches."""


@runtime_checkable
class Listener(Protocol):
    """A provider that reports over a connection of ours."""

    def listen(self) -> None:
        """Keep the connection from now on, whether messages leave or not."""


class SmsTransport:
    """A chain of providers; a slice holds `smallest_slice` messages, more where they leave fast."""

    channel = ChannelCode.SMS

    def __init__(self, providers: Sequence[Provider], smallest_slice: int) -> None:
        self._providers = tuple(providers)
        self.gates = tuple(Gate(self.channel, one.name) for one in self._providers)
        self._smallest_slice = smallest_slice
        #: Messages per second, as the last slice left.
        self._rate = 0.0

    @property
    def slice_size(self) -> int:
        """How many messages are begun together."""
        return max(self._smallest_slice, int(self._rate * SLICE_S))

    @contextmanager
    def batch(self) -> Iterator["SmsTransport"]:
        """Connections stay open from batch to batch."""
        yield self

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Each to the first provider that takes it."""
        began = perf_counter()
        results: dict[int, Result] = {}
        left = list(range(len(messages)))
        for provider, gate in zip(self._providers, self.gates, strict=True):
            answers = _given(provider, gate, [messages[index] for index in left])
            for index, answer in zip(left, answers, strict=True):
                earlier = results.get(index)
                results[index] = answer if earlier is None else combine(earlier, answer)
            left = [index for index in left if results[index].is_surely_not_taken]
            if not left:
                break
        self._rate = len(messages) / (perf_counter() - began)
        return [results[index] for index in range(len(messages))]

    def ask(self, message: Message, provider: str | None) -> Result | None:
        """One that has it settles it; that nobody has it must be said by all."""
        asked = [one for one in self._providers if provider in (None, one.name)]
        answers = [_priced(one, one.ask(message)) for one in asked]
        known = [answer for answer in answers if answer is not None]
        sent = [answer for answer in known if not answer.is_surely_not_taken]
        if sent:
            return sent[0]
        return reduce(combine, known) if known and len(known) == len(asked) else None

    def listen(self) -> None:
        """Hear what providers report, in a process that stays."""
        for provider in self._providers:
            if isinstance(provider, Listener):
                provider.listen()

    def close(self) -> None:
        """Close the providers' connections."""
        for provider in self._providers:
            provider.close()


def _given(provider: Provider, gate: Gate, messages: Sequence[Message]) -> list[Result]:
    """What came of as many messages as the provider's gate lets pass; the others were not sent."""
    allowed = gate.allowance(utc_now())
    results = provider.send(messages[:allowed]) if allowed != 0 else []
    if provider.segment_price:
        results = [replace(one, segment_price=provider.segment_price) for one in results]
    if results:
        gate.note(results)
    error = gate.state.reason or f"{provider.name} takes no more at once"
    held_back = Result(outcome=Outcome.TRANSPORT_CLOSED, provider=provider.name, error=error)
    return [*results, *[held_back] * (len(messages) - len(results))]


def _priced(provider: Provider, result: Result | None) -> Result | None:
    return result and replace(result, segment_price=provider.segment_price)


def combine(earlier: Result, later: Result) -> Result:
    """What a rejection and the next provider's result mean together."""
    if not later.is_surely_not_taken:
        return later
    both = (earlier, later)
    if all(one.closes_transport for one in both):
        return replace(later, error=f"{earlier.error}; {later.error}")
    hopes = [one for one in both if one.outcome is not Outcome.REFUSED_FOR_GOOD]
    waits = [one.retry_after_s for one in hopes if one.retry_after_s is not None]
    # One closed way of two: it is tried again, and counts as an attempt, for the other one's sake.
    first = replace(hopes[0], outcome=Outcome.REFUSED_FOR_NOW) if hopes else later
    return replace(
        first,
        error=f"{earlier.error}; {later.error}",
        retry_after_s=min(waits) if len(waits) == len(hopes) and waits else None,
    )
