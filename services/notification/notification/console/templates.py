"""`/admin/notification/templates/`: an event's words by channel and language, with a preview."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

from common.console.csv_export import Column
from common.console.flashes import flash
from common.console.forms import Form, read_filters, read_form
from common.console.guard import framed
from common.console.listing import listing
from common.console.staff import StaffRole
from common.texts import N_, _
from flask import redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from notification.catalogue import templates as domain
from notification.catalogue.filters import matching
from notification.console.blueprint import as_json, pages
from notification.console.forms import PreviewForm, TemplateForm, UseForm
from notification.console.previews import Shown, sample_context, side_by_side
from notification.console.reading import choices, event_codes, rows_of
from notification.console.saving import save
from notification.container import container
from notification.models import Channel, ChannelCode, Template
from notification.schemas.templates import TemplateArgs

CSV = (
    Column("Event", lambda template: template.event_code),
    Column("Channel", lambda template: template.channel),
    Column("Language", lambda template: template.language),
    Column("Version", lambda template: template.version),
    Column("In use", lambda template: template.is_active),
    Column("Subject", lambda template: template.subject),
    Column("Body", lambda template: template.body),
    Column("Written", lambda template: template.created_at),
)
_VERSIONS_SHOWN = 50
NO_PAGE = N_("These words are not Markdown: such an e-mail is plain text.")


@pages.page("/templates/")
def templates() -> ResponseReturnValue:
    """The versions that meet the filters, newest first."""
    filters = read_filters(TemplateArgs(exclude=["limit", "cursor"]))
    fetch = rows_of(lambda: matching(Template, {**filters.values}), Template.id)
    return listing(
        "pages/templates.html",
        fetch,
        filters,
        csv_name="templates",
        columns=CSV,
        events=event_codes(),
        channels=choices(Channel),
    )


@pages.page("/templates/new/", StaffRole.ADMIN)
def new_template() -> ResponseReturnValue:
    """Write an event's words; the address may name the event."""
    event_code = request.args.get("event_code", "")
    return _editor(Form.of({"event_code": event_code, "is_active": True, "context": "{}"}))


@pages.act("/templates/new/", StaffRole.ADMIN)
def create_template() -> ResponseReturnValue:
    """Store the words, or their next version."""
    form = read_form(TemplateForm())
    form, template = save(form, lambda session: domain.add_template(session, form.values))
    if template is None:
        shown = read_form(PreviewForm())
        return _editor(shown.refused(form.errors)), 422
    flash(_("Version %(version)s is stored.", version=template.version))
    return redirect(url_for("console.template", template_id=template.id), 303)


@pages.act("/templates/preview/", StaffRole.VIEWER)
def preview_template() -> ResponseReturnValue:
    """The words as they are typed, beside the other languages'; nothing is stored."""
    form = read_form(PreviewForm())
    return render_template("pages/preview.html", form=form, shown=_shown(form))


@pages.act("/templates/preview/e-mail/", StaffRole.VIEWER)
def preview_e_mail() -> ResponseReturnValue:
    """The e-mail as it is typed, as mail programs show it."""
    return _e_mail(next(iter(_shown(read_form(PreviewForm()))), None))


@pages.page("/templates/<uuid:template_id>/e-mail/")
def template_e_mail(template_id: uuid.UUID) -> ResponseReturnValue:
    """A version's e-mail, filled with the names of its placeholders."""
    with container().database.reading() as session:
        found = domain.existing_template(session, template_id)
    return _e_mail(_with_others(found, {}, sample_context([found]))[0])


def _e_mail(shown: Shown | None) -> ResponseReturnValue:
    return framed((shown and shown.words.html) or f"<!DOCTYPE html><p>{_(NO_PAGE)}</p>")


@pages.page("/templates/<uuid:template_id>/")
def template(template_id: uuid.UUID) -> ResponseReturnValue:
    """A version, the others, and the way to the next one."""
    with container().database.reading() as session:
        found = domain.existing_template(session, template_id)
        newest = domain.newest_templates(session, found.event_code)
        versions = _versions(session, found)
    same = [one for (channel, _), one in newest.items() if channel is found.channel]
    context = sample_context([found, *same])
    typed = {name: getattr(found, name) for name in TemplateForm().fields}
    form = Form.of({**typed, "is_active": True, "context": as_json(context)})
    shown = _with_others(found, newest, context)
    return render_template(
        "pages/template.html", found=found, versions=versions, form=form, shown=shown
    )


@pages.act("/templates/<uuid:template_id>/use/", StaffRole.ADMIN)
def use_template(template_id: uuid.UUID) -> ResponseReturnValue:
    """Take a version into use, or out of it."""
    form = read_form(UseForm())
    with container().database.writing() as session:
        changed = domain.change_template(session, template_id, form.values)
    said = _("Version %(version)s is in use.", version=changed.version)
    if not changed.is_active:
        said = _("Version %(version)s is out of use.", version=changed.version)
    flash(said)
    return redirect(url_for("console.template", template_id=template_id), 303)


def _editor(form: Form) -> str:
    return render_template(
        "pages/template_new.html",
        form=form,
        shown=_shown(form),
        events=event_codes(),
        channels=choices(Channel),
    )


def _shown(form: Form) -> list[Shown]:
    """The preview of what can be read of the form; nothing without words and a context."""
    typed: dict[str, Any] = {
        "channel": ChannelCode.SMS,
        "language": "",
        "subject": "",
        "transliterate": False,
        "is_markdown": False,
    }
    typed.update({name: form.values[name] for name in _TYPED if name in form.values})
    if "body" not in typed or "context" not in form.values:
        return []
    with container().database.reading() as session:
        newest = domain.newest_templates(session, typed.get("event_code", ""))
    return _with_others(Template(**typed), newest, form.values["context"])


def _with_others(
    template: Template,
    newest: Mapping[tuple[ChannelCode, str], Template],
    context: Mapping[str, Any],
) -> list[Shown]:
    settings = container().settings
    return side_by_side(template, newest, context, settings.sms_prices, settings.mail_frame)


_TYPED = (
    *("event_code", "channel", "language", "subject", "body", "transliterate", "is_markdown"),
)


def _versions(session: Session, template: Template) -> Sequence[Template]:
    """All versions of the same words, the highest first."""
    names = ("event_code", "channel", "language")
    same = [getattr(Template, name) == getattr(template, name) for name in names]
    query = select(Template).where(*same).order_by(Template.version.desc())
    return session.scalars(query.limit(_VERSIONS_SHOWN)).all()
