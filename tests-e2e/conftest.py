"""The whole system in both shapes, started as `make up` starts it, reached through nginx."""

import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from browsers import chromium, staff_page
from bus import Bus
from console import staff_of
from console_pages import Axe, Walk
from hub import Hub, unique
from messages import emit
from npm_packages import npm_packages
from playwright.sync_api import Browser, BrowserContext
from policy_scheme import Scheme
from raw_mediator import RawMediator, raw_mediator
from systems import Start, Starts, close_forks, staff_settings, systems
from waiting import eventually


def pytest_configure(config: pytest.Config) -> None:
    """Where tests shall be quick, most systems are forked; `make faults` starts each as it is."""
    Starts.are_forked = config.option.markexpr == "not faults" and sys.platform == "linux"


def pytest_unconfigure() -> None:
    """After all systems have ended."""
    close_forks()


@pytest.fixture(scope="session", params=["embedded", "production"])
def hub(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Hub]:
    """One running system for all tests of a shape that do not break it."""
    # One of the two is started as `make up` does.
    forked = request.param == "embedded"
    with systems(tmp_path_factory.mktemp(request.param), forked=forked) as start:
        yield start(request.param, WEB_CONCURRENCY="2", GATEWAY_CONCURRENCY="2", **staff_settings())


@pytest.fixture(scope="session")
def breakable(
    tmp_path_factory: pytest.TempPathFactory, shared_mediator: RawMediator
) -> Iterator[Callable[[str], Hub]]:
    """Gives the proxy alone, in a shape: for tests that kill processes, and see them come back."""
    with ExitStack() as opened:

        @cache
        def of_shape(shape: str) -> Hub:
            start = opened.enter_context(systems(tmp_path_factory.mktemp("breakable")))
            patient = {"GATEWAY_CONCURRENCY": "2", "MEDIATOR_FORWARD_TIMEOUT": "60"}
            hub = start(shape, services=["proxy"], **patient)
            hub.new_channel("/b/*", hub.new_mediator(shared_mediator.url)["id"])
            return hub

        yield of_shape


@pytest.fixture
def own_hub(tmp_path: Path) -> Iterator[Start]:
    """Starts systems of a test's own."""
    with systems(tmp_path) as start:
        yield start


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Chromium. While it is open, this thread can run no event loop of its own."""
    with chromium() as opened:
        yield opened


@pytest.fixture(scope="module")
def window(browser: Browser) -> Iterator[BrowserContext]:
    """Where staff's pages are opened (`staff_page`); a new one costs as much as seven pages.

    Its first page is empty and stays: with the last one all of it would be shut.
    """
    with browser.new_context(viewport={"width": 1280, "height": 900}) as opened:
        opened.new_page()
        yield opened


@pytest.fixture
def walk_as(hub: Hub, window: BrowserContext) -> Iterator[Callable[..., Walk]]:
    """Gives a new member of staff with a role who walks through the console, in a language."""
    with ExitStack() as opened:

        def walk(role: str, language: str = "en") -> Walk:
            page = opened.enter_context(staff_page(hub, window, staff_of(hub, role)))
            return Walk(hub, page, language)

        yield walk


@pytest.fixture(scope="session")
def shared_mediator() -> Iterator[RawMediator]:
    """One mediator for all tests: it keeps no state between them (see `mediator`)."""
    with raw_mediator() as started:
        yield started


@pytest.fixture
def mediator(shared_mediator: RawMediator) -> RawMediator:
    """A mediator that shows and answers every byte."""
    shared_mediator.forget()
    return shared_mediator


@pytest.fixture(scope="session")
def shared_channel(hub: Hub, shared_mediator: RawMediator) -> dict[str, Any]:
    """The channel /t/* to the shared mediator, known to all processes."""
    record = hub.new_mediator(shared_mediator.url)
    channel = hub.new_channel("/t/*", record["id"])
    hub.in_force()
    return channel


@pytest.fixture
def base(shared_channel: dict[str, Any], mediator: RawMediator) -> str:
    """A path of this test's own; everything below it goes to `mediator`."""
    return f"/t/{unique('x')}"


@pytest.fixture(name="eventually")
def _eventually() -> Callable[..., Any]:
    return eventually


@pytest.fixture
def something_to_see(hub, base, mediator):
    """A call of each kind and a rejection; an exchange, a family that is told, a message."""
    hub.call("POST", f"{base}/visits", json={"patient": "Asha", "visits": [1, 2]})
    hub.call("GET", f"{base}/later?async=true")
    hub.api("POST", "tasks/", 201, json={"filter": {"path": f"{base}/visits"}})
    hub.call("GET", f"/{unique('nowhere')}")
    offline = hub.new_mediator("http://127.0.0.1:9", name=unique("a mediator that is away"))
    channel = hub.new_channel(f"/{unique('away')}/*", offline["id"])
    hub.api("POST", f"channels/{channel['id']}/test-match/", json={"method": "GET", "path": base})
    bus = Bus(hub)
    bus.relay("{}")
    bus.relay("{}", code="E2E!failure")
    route = {"name": unique("route"), "target_kind": "http", "target": mediator.url}
    bus.ask("POST", "routes/", json=route).raise_for_status()
    scheme = Scheme(hub).found()
    family = scheme.expiring("+255700000001")
    scheme.consent(family["chf_id"])
    scheme.run()
    emit(hub, "DEMO_APPOINTMENT", {"name": "Asha", "place": "Dodoma", "date": "1 June"})
    return hub


@pytest.fixture(scope="session")
def axe(pytestconfig, tmp_path_factory) -> Axe:
    try:
        packages = npm_packages(Path(__file__).parent / "axe", pytestconfig, tmp_path_factory)
    except pytest.skip.Exception as exc:
        return Axe(missing=str(exc))
    return Axe((packages / "node_modules/axe-core/axe.min.js").read_text())
