"""Slow checks of secrets: however many wrong ones come in, who has the right one is soon through.

A slow hash is tens of milliseconds of CPU, so guesses must not queue before it. A secret that must
be hashed counts as wrong from the moment it is taken in until it is found right, so that a burst is
held up while its first ones are still being checked; and where something was wrong lately, by
address or by id, secrets are hashed one at a time, by a thread that has what others leave of the
processor: whoever had none wrong waits neither for a thread nor for the processor.
"""

import asyncio
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

from common.logs import get_logger
from sqlalchemy.exc import SQLAlchemyError

from proxy.access.clients import replace_former_hashes
from proxy.access.former_hashes import is_former
from proxy.access.throttle import Key
from proxy.container import Container
from proxy.gateway.rejections import TooManyWrongSecrets

log = get_logger(__name__)

#: After one secret of somebody suspected was hashed, so many times as long none is: the processor
#: is free for who comes then. The other side of it is that they wait longer for one another.
RESTS = 4.0
LONGEST_REST_S = 1.0

#: A client's id, what it says is its secret, and the hashes of its live ones.
Asked = tuple[str, str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class SecretThreads:
    """Who hashes: secrets of whoever had none wrong lately, and those of the others."""

    first: Executor
    suspected: Executor


class SecretChecks:
    """The checks of a gateway process. For its loop alone; the hashing is done by `threads`."""

    def __init__(self, container: Container, threads: SecretThreads) -> None:
        self._secrets = container.secrets
        self._throttle = container.throttle
        self._database = container.database
        self._threads = threads
        self._pending: dict[Asked, asyncio.Task[bool]] = {}
        self._suspected = asyncio.Lock()

    async def is_right(self, address: str, asked: Asked) -> bool:
        """Whether the secret is the client's. Raises TooManyWrongSecrets before anything is hashed.

        Callers with the same secret at the same moment wait for one check of it.
        """
        client_id, _, hashes = asked
        known = bool(hashes) and self._secrets.known(*asked)
        if known:
            return True
        if wait_s := self._throttle.wait_s(address, client_id):
            raise TooManyWrongSecrets(wait_s)
        if known is not None:
            self._throttle.note(address, client_id, False)
            return False
        is_right = await self._joined(address, asked)
        if is_right:
            self._throttle.note(address, client_id, True)
        return is_right

    async def _joined(self, address: str, asked: Asked) -> bool:
        check = self._pending.get(asked)
        if check is None:
            # Before anything is waited for: the next guess is to find this one counted.
            is_suspected = self._throttle.is_suspected(address, asked[0])
            counts = self._throttle.note(address, asked[0], False)
            check = asyncio.create_task(self._check(asked, counts, is_suspected))
            self._pending[asked] = check
            check.add_done_callback(lambda _: self._pending.pop(asked))
        return await asyncio.shield(check)

    async def _check(self, asked: Asked, counts: Sequence[Key], is_suspected: bool) -> bool:
        is_right = await (self._hashed_in_turn(asked) if is_suspected else self._hashed(asked))
        if is_right:
            self._throttle.take_back(counts)
            if any(map(is_former, asked[2])):
                self._threads.suspected.submit(self._replace_former, asked)
        return is_right

    async def _hashed(self, asked: Asked) -> bool:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._threads.first, self._secrets.check, *asked)

    async def _hashed_in_turn(self, asked: Asked) -> bool:
        loop = asyncio.get_running_loop()
        await self._suspected.acquire()
        began = loop.time()
        try:
            return await loop.run_in_executor(self._threads.suspected, self._secrets.check, *asked)
        finally:
            rest_s = min(RESTS * (loop.time() - began), LONGEST_REST_S)
            loop.call_later(rest_s, self._suspected.release)

    def _replace_former(self, asked: Asked) -> None:
        """Ours instead of a hash that came over; the next call tries again where that fails."""
        client_id, secret, hashes = asked
        try:
            replace_former_hashes(self._database, client_id, secret, hashes)
        except SQLAlchemyError as exc:
            log.warning("hash_not_replaced", reason=type(exc).__name__)
