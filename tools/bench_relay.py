"""What the ESB relay adds: the simulated bus asked directly, and through the relay, in one run.

Machines are noisy: rounds alternate, medians are compared, and the goals allow for what the ruler
says of this machine. Both ways the simulator verifies and signs; the direct way posts an envelope
that was signed beforehand.
"""

import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TextIO

import requests
from bench_database import postgres_database
from bench_load import Result, load, wrk_is_there
from bench_processes import postgres_cpu_s, service_cpu_s
from bench_report import goal, median
from bench_ruler import Ruler
from ports import LOOPBACK
from stack import Stack

ROUNDS = 3
SECONDS = 5
ALONE, MANY = 1, 32
CODE = "BENCH"
BODY = '{"nin":"19900101-14121-00001-23","amount":1250.50,"notes":"' + "y" * 130 + '"}'

#: On the ruler's machine. An exchange is committed twice, so two flushes lie on its way.
GOAL_ADDED_MS = 2.0
GOAL_RATE = 1_000.0
FLUSHES = 2


class Shape:
    """An installation on one database."""

    def __init__(self, name: str, stack: Stack, folder: Path, database: str | None) -> None:
        self.name = name
        self._stack = stack
        self.folder = folder
        self._database = database
        self._tokens = {scope: self._token(scope) for scope in ("esb:relay", "esb:crypto")}
        self._envelope = self._signed()

    def direct(self, connections: int) -> Result:
        """The signed envelope, to the simulator."""
        environ = self._stack.installation.environ
        grant = requests.post(
            environ["GOVESB_TOKEN_URL"],
            auth=("kiungo-demo", "kiungo-demo"),
            data={
                "client_id": "kiungo-demo",
                "client_secret": "kiungo-demo",
                "grant_type": "client_credentials",
            },
            timeout=10,
        ).json()
        url = f"{environ['GOVESB_ENGINE_URL']}/request"
        return self._load(url, grant["access_token"], self._envelope, connections)

    def relayed(self, connections: int) -> Result:
        """The same message, to the relay."""
        return self._relayed(self._url("relay/", "ESB_RELAY_GATEWAY_PORT"), connections)

    def through_nginx(self, connections: int) -> Result:
        """The same, through the front door."""
        return self._relayed(f"{self._stack.url}/api/esb/relay/", connections)

    def _relayed(self, url: str, connections: int) -> Result:
        message = f'{{"mode":"normal","code":"{CODE}","body":{BODY}}}'
        return self._load(url, self._tokens["esb:relay"], message, connections)

    def _load(self, url: str, token: str, body: str, connections: int) -> Result:
        return load(
            url,
            {"Content-Type": "application/json", "Authorization": f"Bearer {token}"},
            connections=connections,
            seconds=SECONDS,
            cpu_s=self._cpu_s,
            script_dir=self.folder,
            body=body,
        )

    def _cpu_s(self) -> float:
        """CPU of the relay's processes and, where it is one, the database's."""
        database = postgres_cpu_s(self._database) if self._database else 0.0
        return service_cpu_s(self._stack, "esb-relay") + database

    def _url(self, path: str, port: str = "ESB_RELAY_PORT") -> str:
        return f"http://{LOOPBACK}:{self._stack.installation.ports[port]}/api/esb/{path}"

    def _token(self, scope: str) -> str:
        answer = requests.post(
            f"{self._stack.url}/oauth/token",
            auth=(self._stack.demo_client_id, self._stack.installation.demo_client_secret),
            data={"grant_type": "client_credentials", "scope": scope},
            timeout=10,
        )
        return str(answer.json()["access_token"])

    def _signed(self) -> str:
        answer = requests.post(
            self._url(f"sign/?code={CODE}"),
            data=BODY,
            headers={
                "Content-Type": "application/json",
                "Authorization": f"Bearer {self._tokens['esb:crypto']}",
            },
            timeout=10,
        )
        answer.raise_for_status()
        return answer.text


def _shapes(opened: ExitStack, folder: Path, out: TextIO) -> Iterator[Shape]:
    stack = opened.enter_context(Stack.beside_others(folder / "sqlite", {}, out=out))
    yield Shape("SQLite", stack, folder, None)
    url = opened.enter_context(postgres_database())
    if url is not None:
        environ = {"DATABASE_URL": url}
        stack = opened.enter_context(Stack.beside_others(folder / "postgres", environ, out=out))
        yield Shape("PostgreSQL", stack, folder, url.rpartition("/")[2])


def _measure(shape: Shape) -> bool:
    """Alternate both ways, print medians and goals; whether all were reached."""
    rounds: dict[tuple[str, int], list[Result]] = {}
    ruler = Ruler(shape.folder)
    shape.relayed(MANY)  # warm
    for _ in range(ROUNDS):
        for connections in (ALONE, MANY):
            ruler.measure()
            rounds.setdefault(("direct", connections), []).append(shape.direct(connections))
            rounds.setdefault(("relayed", connections), []).append(shape.relayed(connections))
            rounds.setdefault(("by nginx", connections), []).append(
                shape.through_nginx(connections)
            )
    found = {key: median(results) for key, results in rounds.items()}
    print(f"\n{shape.name}: POST of {len(BODY)} bytes, medians of {ROUNDS} rounds of {SECONDS} s")
    for (path, connections), result in found.items():
        print(f"  {path:8} {connections:3} connections  {result}")
    print(f"  here and now: {ruler}")
    return _goals(found, ruler)


def _goals(found: dict[tuple[str, int], Result], ruler: Ruler) -> bool:
    relayed, direct = found["relayed", MANY], found["direct", MANY]
    added_ms = found["relayed", ALONE].p50_ms - found["direct", ALONE].p50_ms
    wanted_ms = GOAL_ADDED_MS * ruler.slowdown + FLUSHES * ruler.late_ms
    wanted_rate = ruler.rate(GOAL_RATE)
    share = relayed.rate / direct.rate
    errors = sum(result.errors for result in found.values())
    return all(
        [
            goal(
                "added at p50",
                added_ms <= wanted_ms,
                f"{added_ms:.2f} ms (≤ {wanted_ms:.2f} here and now, {GOAL_ADDED_MS} as set)",
            ),
            goal(
                "exchanges",
                relayed.rate >= wanted_rate,
                f"{relayed.rate:,.0f}/s (≥ {wanted_rate:,.0f} here and now, {GOAL_RATE:,.0f} as"
                f" set), {share:.0%} of direct",
            ),
            goal("no errors", errors == 0, str(errors)),
        ]
    )


def main() -> int:
    """Measure and print; 0 when every goal was reached."""
    if not wrk_is_there():
        print("Skipped: wrk is not installed (Debian: apt-get install wrk).")
        return 0
    with ExitStack() as opened:
        folder = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        out = opened.enter_context((folder / "output.log").open("w"))
        reached = [_measure(shape) for shape in _shapes(opened, folder, out)]
    return 0 if all(reached) else 1


if __name__ == "__main__":
    sys.exit(main())
