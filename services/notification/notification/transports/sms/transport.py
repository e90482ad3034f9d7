"""The SMS channel: its providers in their order, the next only when the last surely has it not."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import reduce
from typing import Protocol

from notification.models import ChannelCode
from notification.transports.base import Message, Outcome, Result


class Provider(Protocol):
    """One of the chain."""

    @property
    def name(self) -> str:
        """As the settings call it."""

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Send; the results stand in the messages' order."""

    def ask(self, message: Message) -> Result | None:
        """What it has under the message's reference; None: it does not say."""

    def close(self) -> None:
        """Let go of what stays open between batches."""


class SmsTransport:
    """A chain of providers."""

    channel = ChannelCode.SMS

    def __init__(self, providers: Sequence[Provider], slice_size: int) -> None:
        self._providers = tuple(providers)
        self.slice_size = slice_size

    @contextmanager
    def batch(self) -> Iterator["SmsTransport"]:
        """Connections stay open from batch to batch."""
        yield self

    def send(self, messages: Sequence[Message]) -> list[Result]:
        """Each to the first provider that takes it."""
        results: dict[int, Result] = {}
        left = list(range(len(messages)))
        for provider in self._providers:
            answers = provider.send([messages[index] for index in left])
            for index, answer in zip(left, answers, strict=True):
                earlier = results.get(index)
                results[index] = answer if earlier is None else combine(earlier, answer)
            left = [index for index in left if results[index].is_surely_not_taken]
            if not left:
                break
        return [results[index] for index in range(len(messages))]

    def ask(self, message: Message, provider: str | None) -> Result | None:
        """One that has it settles it; that nobody has it must be said by all."""
        asked = [one for one in self._providers if provider in (None, one.name)]
        answers = [one.ask(message) for one in asked]
        known = [answer for answer in answers if answer is not None]
        sent = [answer for answer in known if not answer.is_surely_not_taken]
        if sent:
            return sent[0]
        return reduce(combine, known) if known and len(known) == len(asked) else None

    def close(self) -> None:
        """Close the providers' connections."""
        for provider in self._providers:
            provider.close()


def combine(earlier: Result, later: Result) -> Result:
    """What a refusal and the next provider's result mean together."""
    if not later.is_surely_not_taken:
        return later
    hopes = [one for one in (earlier, later) if one.outcome is Outcome.REFUSED_FOR_NOW]
    waits = [one.retry_after_s for one in hopes if one.retry_after_s is not None]
    return replace(
        hopes[0] if hopes else later,
        error=f"{earlier.error}; {later.error}",
        retry_after_s=min(waits) if len(waits) == len(hopes) and waits else None,
    )
