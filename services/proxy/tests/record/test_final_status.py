"""How a call has ended: a mediator's own word, OpenHIM's rule, and the rule for one answer."""

import pytest
from proxy.models import TransactionStatus
from proxy.record.final_status import judged_status, spelled_status, status_for

SUCCESSFUL, COMPLETED = TransactionStatus.SUCCESSFUL, TransactionStatus.COMPLETED
WITH_ERRORS, FAILED = TransactionStatus.COMPLETED_WITH_ERRORS, TransactionStatus.FAILED


@pytest.mark.parametrize(
    ("primary", "secondary", "own", "expected"),
    [
        (200, [], None, SUCCESSFUL),
        (302, [], None, COMPLETED),
        (404, [], None, COMPLETED),
        (500, [200], None, FAILED),
        (503, [503], None, FAILED),
        (200, [200, 201], None, SUCCESSFUL),
        (200, [500], None, WITH_ERRORS),
        (404, [502], None, WITH_ERRORS),
        (200, [404], None, COMPLETED),
        (200, [], FAILED, FAILED),
        (500, [], SUCCESSFUL, SUCCESSFUL),
        (200, [500], COMPLETED, COMPLETED),
    ],
)
def test_judged_status_is_the_mediators_else_the_worst_that_counts(
    primary, secondary, own, expected
) -> None:
    assert judged_status(primary, secondary, own) is expected


@pytest.mark.parametrize(
    ("code", "expected"), [(204, SUCCESSFUL), (304, SUCCESSFUL), (400, FAILED)]
)
def test_one_answer_is_a_success_or_a_failure(code, expected) -> None:
    assert status_for(code) is expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Successful", SUCCESSFUL),
        ("Completed with error(s)", WITH_ERRORS),
        (" FAILED ", FAILED),
        ("Processing", None),
        (None, None),
        (5, None),
    ],
)
def test_statuses_are_read_as_openhim_spells_them(text, expected) -> None:
    assert spelled_status(text) is expected
