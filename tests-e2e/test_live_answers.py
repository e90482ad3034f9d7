"""Answers that come in pieces pass as they come: each test looks at the clock."""

import pytest
from mediator_answers import in_pieces, server_sent_events
from raw_client import send
from systems import MOSTLY_EMBEDDED

pytestmark = pytest.mark.parametrize("hub", MOSTLY_EMBEDDED, indirect=True)

#: What a piece may take through the hub on a busy machine.
LATE_S = 1.5  # all at the end would be 2 s late
EVENT_STREAM = "text/event-stream"
#: MEDIATOR_FORWARD_TIMEOUT of these systems.
SILENCE_S = 3.0


@pytest.mark.parametrize(
    ("content_type", "pieces"),
    [
        (EVENT_STREAM, server_sent_events(5)),
        ("application/x-ndjson", [b'{"event":"event-%d"}\n' % n for n in range(1, 6)]),
        ("text/plain", [b"event-%d of 5 is done\n" % n for n in range(1, 6)]),
        ("application/json", [b"[", *(b'"event-%d",' % n for n in range(2, 6)), b"0]"]),
    ],
)
def test_each_piece_of_an_answer_arrives_when_it_was_sent(
    hub, base, mediator, content_type, pieces
):
    mediator.on(f"{base}/live", in_pieces(content_type, pieces, every_s=0.5, first_s=0.5))
    got = send(hub, f"GET {base}/live HTTP/1.1")
    assert got.came_s(b"\r\n\r\n") < LATE_S
    for number, piece in enumerate(pieces, start=1):
        assert 0.5 * number - 0.1 < got.came_s(piece) < 0.5 * number + LATE_S, piece
    assert hub.transaction(got.correlation_id)["status"] == "successful"


def test_a_live_answer_may_last_longer_than_its_silences_may(hub, base, mediator):
    mediator.on(f"{base}/long", in_pieces(EVENT_STREAM, server_sent_events(5), every_s=1.0))
    got = send(hub, f"GET {base}/long HTTP/1.1")
    assert got.ended_s > SILENCE_S + 1
    assert got.raw.endswith(b"0\r\n\r\n")
    assert b"event-5" in got.body


def test_what_came_before_the_silence_arrives_and_the_record_says_that_it_broke_off(
    hub, base, mediator, eventually
):
    events = server_sent_events(2)
    mediator.on(f"{base}/still", in_pieces(EVENT_STREAM, events, every_s=SILENCE_S + 3))
    got = send(hub, f"GET {base}/still HTTP/1.1")
    assert got.status == 200
    assert got.came_s(b"event-1") < LATE_S
    assert SILENCE_S - 0.5 < got.ended_s < SILENCE_S + 1.5
    assert not got.raw.endswith(b"0\r\n\r\n"), "a stream that broke off looks complete"
    kept = eventually(
        lambda: (row := hub.transaction(got.correlation_id))["status"] != "processing" and row
    )
    assert kept["status"] == "failed"
    assert kept["error_message"]
    assert "event-1" in kept["response_body"]
