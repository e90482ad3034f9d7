"""What was typed is shown again with what is wrong with it."""

import marshmallow as ma
import pytest
from common.console.forms import Form, read_form
from flask import Flask


class ChannelIn(ma.Schema):
    """A form with every kind of field."""

    name = ma.fields.String(required=True, validate=ma.validate.Length(min=1))
    priority = ma.fields.Integer()
    methods = ma.fields.List(ma.fields.String())
    is_active = ma.fields.Boolean(load_default=False)


def sent(**form):
    with Flask(__name__).test_request_context("/", method="POST", data=form):
        return read_form(ChannelIn())


def test_form_is_read_by_its_schema():
    form = sent(name="Lab", priority="7", methods=["GET", "POST"], is_active="true", other="x")

    assert form.errors == {}
    assert form.values == {
        "name": "Lab",
        "priority": 7,
        "methods": ["GET", "POST"],
        "is_active": True,
    }


def test_refused_form_keeps_what_was_typed():
    form = sent(name="", priority="high", methods=["GET"])

    assert (form.text("priority"), form.has("methods", "GET")) == ("high", True)
    assert form.error("priority") == "Not a valid integer."
    assert form.error("name")
    assert form.error("methods") == ""


def test_domain_may_refuse_a_form_too():
    form = sent(name="Lab").refused({"name": ["Taken by another record."]})

    assert form.error("name") == "Taken by another record."


@pytest.mark.parametrize(
    ("field", "value"), [("name", "Lab"), ("methods", "POST"), ("is_active", "true")]
)
def test_stored_record_fills_the_form(field, value):
    record = {"name": "Lab", "priority": None, "methods": ["GET", "POST"], "is_active": True}

    form = Form.of(record)

    assert form.has(field, value)
    assert form.text("priority") == ""
