"""Which addresses may be called, whatever name leads there."""

import asyncio
from pathlib import Path

import pytest
from common.http.endpoint import Endpoint
from common.http.outcomes import NotSent
from common.http.pool import Pool
from common.outbound import USUALLY_DENIED, OutboundRules, rules
from common.settings import Environment

USUAL = OutboundRules(rules(USUALLY_DENIED))


@pytest.mark.parametrize(
    "address", ["169.254.169.254", "169.254.0.1", "fe80::1", "fe80::1%eth0", "::ffff:169.254.1.1"]
)
def test_link_local_and_metadata_addresses_are_denied(address: str) -> None:
    assert not USUAL.permit("metadata.example", address, 80)


@pytest.mark.parametrize("address", ["10.0.0.1", "127.0.0.1", "203.0.113.1", "2001:db8::1"])
def test_others_may_be_called(address: str) -> None:
    assert USUAL.permit("mediator.example", address, 80)


@pytest.mark.parametrize(
    ("rule", "host", "address", "port", "denied"),
    [
        ("127.0.0.1:5432", "db", "127.0.0.1", 5432, True),
        ("127.0.0.1:5432", "db", "127.0.0.1", 5433, False),
        ("Postgres:5432", "postgres", "10.0.0.7", 5432, True),
        ("postgres", "postgres.example", "10.0.0.7", 5432, False),
        ("fd00::/8", "x", "fd12::1", 80, True),
        ("[fd00::1]:80", "x", "fd00::1", 80, True),
        ("[fd00::1]:80", "x", "fd00::1", 81, False),
    ],
)
def test_rule_names_places(rule: str, host: str, address: str, port: int, denied: bool) -> None:
    assert OutboundRules(rules(rule)).permit(host, address, port) is not denied


def test_what_is_allowed_is_an_exception() -> None:
    only = OutboundRules(rules("0.0.0.0/0, ::/0"), rules("10.0.0.0/8"))
    assert only.permit("x", "10.1.1.1", 80)
    assert not only.permit("x", "203.0.113.1", 80)


@pytest.mark.parametrize("text", ["a b", ":80", "x:port", "[::1"])
def test_what_is_no_rule_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="expected networks"):
        rules(text)


def test_own_database_and_broker_are_denied() -> None:
    settings = Environment(
        var_dir=Path("x"),
        database_url_override="postgresql://u:p@[::1]:5432/k",
        rabbitmq_url="amqp://u:p@rabbit:5672/",
    )
    assert not settings.outbound().permit("x", "::1", 5432)
    assert not settings.outbound().permit("rabbit", "10.0.0.1", 5672)
    assert not Environment(db_engine="postgres").outbound().permit("x", "127.0.0.1", 5432)
    assert Environment().outbound().permit("x", "127.0.0.1", 5432)


def test_name_is_judged_by_the_address_it_stands_for() -> None:
    pool = Pool(1.0, OutboundRules(rules("127.0.0.0/8, ::1")))
    with pytest.raises(NotSent, match="OUTBOUND_DENY"):
        asyncio.run(pool.take(Endpoint.parse("http://localhost:9/")))
