"""Many calls made again in the console: the form makes a task, whose page shows its progress."""

import re
import uuid
from collections.abc import Callable
from typing import Any

import pytest
from proxy.container import Container
from proxy.models import RerunState, RerunTask, RerunTaskCall, Transaction, TransactionStatus
from proxy.record.reruns import rerun_one
from sqlalchemy import func, select, update

LIST = "/admin/mediator/transactions/"
PAGE = f"{LIST}rerun/"
QUERY = "?status=failed&channel=Patients"
MEANT = {"status": "failed", "channel": "Patients"}

Record = Callable[..., str]


@pytest.fixture
def failed(record: Record, channel: dict[str, Any]) -> list[str]:
    """Five failed calls; one that was successful is beside them."""
    record(9)
    return [record(minute, status=TransactionStatus.FAILED) for minute in range(5)]


def repeat(container: Container, call: str) -> uuid.UUID:
    """Make one call again; the new one fails, too."""
    made = rerun_one(container.database, container.sealer, uuid.UUID(call), 30.0)
    with container.database.writing() as session:
        session.execute(
            update(Transaction)
            .where(Transaction.correlation_id == made.correlation_id)
            .values(status=TransactionStatus.FAILED)
        )
    return made.correlation_id


def made(signed_in: Any, **form: str) -> str:
    """The address of the task that the form makes."""
    answer = signed_in.act(PAGE, batch_size="2", **MEANT, **form)
    assert answer.status_code == 303, answer.text
    return str(answer.headers["Location"])


def task_of(container: Container) -> RerunTask:
    with container.database.reading() as session:
        return session.scalars(select(RerunTask)).one()


def test_list_leads_to_the_page_with_its_filters(signed_in: Any, failed: list[str]) -> None:
    assert "again</a>" not in signed_in.get(LIST).text

    page = signed_in.get(f"{LIST}{QUERY}").text

    assert f'href="{PAGE}{QUERY.replace("&", "&amp;")}"' in page


def test_page_tells_what_is_meant_and_does_nothing(
    signed_in: Any, failed: list[str], container: Container
) -> None:
    repeat(container, failed[0])

    page = signed_in.get(PAGE + QUERY).text

    assert "<h2>5 calls</h2>" in page
    assert "1 of them was made again already, and is left out unless you take it in" in page
    assert "1 more that meets the filters repeats another call itself" in page
    assert "There is nothing" in signed_in.get(f"{PAGE}?status=pending").text
    with container.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(RerunTask)) == 0


def test_form_makes_a_task_and_leads_to_its_page(
    signed_in: Any, failed: list[str], container: Container
) -> None:
    address = made(signed_in, include_repeated="true")

    task = task_of(container)
    assert (task.made_by, task.filter, task.batch_size) == ("amina", MEANT, 2)
    assert (task.include_repeated, task.is_at_work) == (True, True)
    page = signed_in.get(address).text
    assert "0 of 0 calls" in page
    assert 'hx-trigger="every 1s"' in page
    assert f'href="{LIST}{QUERY.replace("&", "&amp;")}"' in page
    assert f'href="{address}"' in signed_in.get("/admin/mediator/tasks/?name=amina").text


def test_page_shows_how_each_repetition_ended_and_why_calls_were_left_out(
    signed_in: Any, failed: list[str], container: Container
) -> None:
    address = made(signed_in)
    task = task_of(container)
    repetition = repeat(container, failed[0])
    with container.database.writing() as session:
        session.add_all(
            RerunTaskCall(
                task_id=task.id,
                correlation_id=uuid.UUID(call),
                state=state,
                repeat_id=repetition if state is not RerunState.LEFT_OUT else None,
                reason="Not kept" if state is RerunState.LEFT_OUT else None,
            )
            for call, state in zip(failed, list(RerunState)[1:], strict=True)
        )
        counts = dict.fromkeys(("in_hand", "done", "failed", "unknown", "left_out"), 1)
        session.execute(update(RerunTask).values(counts))

    page = signed_in.get(address).text
    only_failed = signed_in.get(f"{address}?state=failed").text

    assert "4 of 5 calls" in page
    assert "<li>1: Not kept</li>" in page
    assert f'href="{LIST}{repetition}/"' in page
    shown = [re.findall(r'<tr id="call-([^"]+)"', one) for one in (page, only_failed)]
    assert shown == [failed[::-1], [failed[2]]]


def test_task_is_paused_resumed_and_cancelled(
    signed_in: Any, failed: list[str], container: Container
) -> None:
    address = made(signed_in)
    for act, status in (("pause", "paused"), ("resume", "running"), ("cancel", "cancelled")):
        assert f'action="{address}{act}/"' in signed_in.get(address).text
        assert signed_in.act(f"{address}{act}/").status_code == 303
        assert task_of(container).status == status
    assert f'action="{address}' not in signed_in.get(address).text
    signed_in.act(f"{address}resume/")
    assert "The task is cancelled already." in signed_in.get(address).text


def test_part_of_the_page_looks_again_until_all_has_ended(
    signed_in: Any, failed: list[str], container: Container
) -> None:
    part = f"{made(signed_in)}progress/"
    assert f'hx-get="{part}"' in signed_in.get(part).text
    with container.database.writing() as session:
        session.execute(update(RerunTask).values(status="completed", done=5))
    ended = signed_in.get(part).text
    assert "5 of 5 calls" in ended
    assert "hx-get" not in ended


@pytest.mark.parametrize("size", ["0", "501", "many"])
def test_batch_that_is_none_is_refused_at_its_field(
    signed_in: Any, failed: list[str], size: str
) -> None:
    answer = signed_in.act(PAGE, batch_size=size, **MEANT)

    assert answer.status_code == 422
    assert 'id="batch_size-error"' in answer.text


@pytest.mark.parametrize("query", ["", "?status=", "?since=yesterday"])
def test_task_over_every_call_or_by_a_filter_that_cannot_be_read_is_refused(
    signed_in: Any, failed: list[str], container: Container, query: str
) -> None:
    assert signed_in.get(PAGE + query).status_code == 422
    fields = dict(pair.split("=") for pair in query[1:].split("&") if pair)
    assert signed_in.act(PAGE, **fields).status_code == 422
    with container.database.reading() as session:
        assert session.scalar(select(func.count()).select_from(RerunTask)) == 0


def test_call_that_was_made_again_says_how_that_ended(
    signed_in: Any, failed: list[str], container: Container
) -> None:
    repetition = repeat(container, failed[0])

    page = signed_in.get(f"{LIST}{failed[0]}/").text

    assert "It was made again already. Send it once more?" in page
    assert f'href="{LIST}{repetition}/"' in page


def test_viewer_looks_at_tasks_and_makes_none(browser: Any, api: Any, failed: list[str]) -> None:
    task = api.post("tasks/", {"filter": MEANT}).json["id"]
    api.made("staff", **api.a_member(role="viewer"))
    browser.sign_in()

    assert "again</a>" not in browser.get(f"{LIST}{QUERY}").text
    assert browser.get(PAGE + QUERY).status_code == 403
    page = browser.get(f"/admin/mediator/tasks/{task}/")
    assert page.status_code == 200
    assert "Pause" not in page.text
    assert browser.act(f"/admin/mediator/tasks/{task}/pause/").status_code == 403
