"""The bind to an SMSC: made anew where it broke, and what the SMSC reports over it."""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from common.clock import utc_now
from common.jobs.backoff import next_attempt
from common.logs import get_logger
from smpplib import consts
from sqlalchemy.exc import SQLAlchemyError

from notification.transports.receipts import Receipt
from notification.transports.sms.smpp_receipts import receipt_of
from notification.transports.sms.smpp_session import (
    Account,
    BindRefusedError,
    NotLeftError,
    Session,
)

log = get_logger(__name__)

FIRST_PAUSE, LONGEST_PAUSE = timedelta(seconds=1), timedelta(minutes=1)
#: A receipt whose message is not on record yet is looked at again so often, for so long.
EARLY_PAUSE_S, EARLY_FOR_S = 0.25, 10.0
#: Receipts that are written at once.
TAKING = 2

#: Takes a provider's receipts; False: one of them is early and must come again.
TakeReceipts = Callable[[str, Sequence[Receipt]], bool]


class Bind:
    """One event loop's bind. Without `take` receipts are not answered: they come again."""

    def __init__(self, provider: str, account: Account, take: TakeReceipts | None) -> None:
        self._provider = provider
        self._account = account
        self._take = take
        self._session: Session | None = None
        self._binding, self._taking = asyncio.Lock(), asyncio.Semaphore(TAKING)
        self._tasks: set[asyncio.Task[None]] = set()
        self.is_kept = False

    async def session(self) -> Session:
        """The session that stands, or a new one. Raises NotLeftError."""
        async with self._binding:
            if self._session is None or self._session.closed.is_set():
                session = Session(self._account, self._on_delivered, self._on_late)
                await session.bind()
                self._session = session
                log.info("smpp_bound", host=self._account.host)
            return self._session

    async def keep(self) -> None:
        """Stay bound from now on."""
        self.is_kept = True
        self._start(self._keep())

    async def _keep(self) -> None:
        failures = 0
        while self.is_kept:
            try:
                session = await self.session()
            except NotLeftError as exc:
                failures += 1
                level = log.error if isinstance(exc, BindRefusedError) else log.warning
                level("smpp_not_bound", reason=str(exc), failures=failures)
                now = utc_now()
                again = next_attempt(failures, now, first=FIRST_PAUSE, cap=LONGEST_PAUSE, least=0.5)
                await asyncio.sleep((again - now).total_seconds())
                continue
            failures = 0
            await session.closed.wait()

    async def end(self) -> None:
        """Unbind."""
        session, self._session = self._session, None
        if session is not None:
            await session.unbind()

    # --- what the SMSC reports

    def _on_delivered(self, pdu: Any, reply: Callable[[int], None]) -> None:
        receipt = receipt_of(pdu)
        if receipt is None:
            log.info("smpp_message_ignored")  # a person's answer: nobody reads those
            reply(consts.SMPP_ESME_ROK)
        elif self._take is not None:
            self._start(self._report(receipt, reply))
        else:
            reply(consts.SMPP_ESME_RX_T_APPN)

    def _on_late(self, reference: str, message_id: str) -> None:
        """The outcome that was not known is known: the SMSC has the message."""
        if self._take is not None:
            receipt = Receipt(provider_message_id=message_id, reference=reference, delivered=None)
            self._start(self._report(receipt, lambda _status: None))

    async def _report(self, receipt: Receipt, reply: Callable[[int], None]) -> None:
        """Answered when it is on record; the SMSC repeats what cannot be taken now."""
        loop = asyncio.get_running_loop()
        until = loop.time() + EARLY_FOR_S
        while True:
            async with self._taking:
                is_taken = await loop.run_in_executor(None, self._taken, receipt)
            if is_taken or loop.time() > until:
                break
            await asyncio.sleep(EARLY_PAUSE_S)
        reply(consts.SMPP_ESME_ROK if is_taken else consts.SMPP_ESME_RX_T_APPN)

    def _taken(self, receipt: Receipt) -> bool:
        assert self._take is not None
        try:
            return self._take(self._provider, [receipt])
        except SQLAlchemyError as exc:
            log.warning("smpp_receipt_not_taken", reason=type(exc).__name__)
            return False

    def _start(self, act: Any) -> None:
        task = asyncio.get_running_loop().create_task(act)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
