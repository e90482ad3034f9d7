"""Blocking work must not hold up gevent's hub: it goes to the hub's pool of native threads."""

from collections.abc import Callable
from typing import Any, TypeVar, cast

from sqlalchemy import Engine

from common.database import is_sqlite

T = TypeVar("T")


def under_gevent() -> bool:
    """Whether this process runs gevent's patched standard library."""
    from gevent import monkey

    return bool(monkey.is_module_patched("socket"))


def off_the_loop(function: Callable[[], T]) -> T:
    """Run `function` in a native thread under gevent, else here."""
    if not under_gevent():
        return function()
    from gevent import get_hub

    # The pool would print an error's traceback by itself; it is passed on as a value instead.
    result, error = get_hub().threadpool.apply(_outcome, (function,))
    if error is not None:
        raise error
    return cast(T, result)


def _outcome(function: Callable[[], T]) -> tuple[T | None, Exception | None]:
    try:
        return function(), None
    except Exception as exc:  # noqa: BLE001 - handed to the caller, who raises it
        return None, exc


def offload_for(engine: Engine) -> Callable[[Callable[[], Any]], Any]:
    """How to use `engine`: psycopg waits cooperatively, sqlite3 blocks and goes off the loop."""
    return off_the_loop if is_sqlite(engine) else _here


def _here(function: Callable[[], T]) -> T:
    return function()
