"""`manage.py forward_kiungo`: forward what has changed, until SIGTERM or once."""

import signal
import threading
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import OperationalError, close_old_connections

from kiungo.apps import KiungoSettings
from kiungo.client import Kiungo, KiungoAway
from kiungo.forwarding import Counts, forward, note_all, try_rejected_again
from kiungo.models import OutboxEntry

#: Seconds between two looks at the outbox, and at most after failures.
LOOK_EVERY_S, LONGEST_WAIT_S = 2.0, 300.0


class Command(BaseCommand):
    """Forward changes to Kiungo."""

    help = "Forward what has changed to Kiungo, until SIGTERM"

    def add_arguments(self, parser: CommandParser) -> None:
        """The options."""
        parser.add_argument("--once", action="store_true", help="Empty the outbox, and end")
        parser.add_argument("--whole", action="store_true", help="Note every row first")
        parser.add_argument("--since", type=datetime.fromisoformat, help="Note what began since")
        parser.add_argument("--rejected", action="store_true", help="List what was not taken")
        parser.add_argument("--again", action="store_true", help="Send what was not taken again")

    def handle(self, *_args: Any, **options: Any) -> None:
        """Do it. Exits with 1 when Kiungo is away and `--once` was asked for."""
        if options["rejected"]:
            for entry in OutboxEntry.objects.exclude(rejected="").order_by("id").iterator():
                self.stdout.write(f"{entry.kind}\t{entry.key}\t{entry.rejected}")
            return
        if options["again"]:
            self.stdout.write(f"{try_rejected_again()} to be sent again")
        if options["whole"] or options["since"]:
            self.stdout.write(f"{note_all(options['since'])} rows noted")
        kiungo = Kiungo(KiungoSettings.read())
        if options["once"]:
            self._pass(kiungo)
        else:
            self._loop(kiungo)

    def _loop(self, kiungo: Kiungo) -> None:
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        wait = LOOK_EVERY_S
        while not stopping.is_set():
            try:
                self._pass(kiungo)
                wait = LOOK_EVERY_S
            except (SystemExit, OperationalError):
                wait = min(wait * 2, LONGEST_WAIT_S)
                close_old_connections()
            stopping.wait(wait)

    def _pass(self, kiungo: Kiungo) -> None:
        try:
            counts = forward(kiungo)
        except KiungoAway as exc:
            self.stderr.write(str(exc))
            raise SystemExit(1) from None
        if counts != Counts():
            self.stdout.write(f"{counts.sent} sent, {counts.rejected} rejected, {counts.gone} gone")
