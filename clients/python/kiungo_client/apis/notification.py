"""Notification: written by `tools/client_code.py`, not by hand."""

from typing import Literal

from kiungo_client.apis.base import JSON, Api, Json, Record


class Notification(Api):
    """The operations of Notification."""

    OPERATIONS = {
        "index": "index",
        "count_messages": "count_messages",
        "list_lookups": "list_lookups",
        "add_lookup": "add_lookup",
        "change_lookup": "change_lookup",
        "Events_get": "events_get",
        "Events_post": "events_post",
        "OneEvent_get": "one_event_get",
        "OneEvent_patch": "one_event_patch",
        "Rules_get": "rules_get",
        "Rules_post": "rules_post",
        "OneRule_get": "one_rule_get",
        "OneRule_patch": "one_rule_patch",
        "Templates_get": "templates_get",
        "Templates_post": "templates_post",
        "OneTemplate_get": "one_template_get",
        "OneTemplate_patch": "one_template_patch",
        "preview_template": "preview_template",
        "OnePreference_get": "one_preference_get",
        "OnePreference_post": "one_preference_post",
        "list_inbox": "list_inbox",
        "read_message": "read_message",
        "emit_event": "emit_event",
        "send_mail": "send_mail",
        "Campaigns_get": "campaigns_get",
        "Campaigns_post": "campaigns_post",
        "OneCampaign_get": "one_campaign_get",
        "OneCampaign_patch": "one_campaign_patch",
        "list_recipients": "list_recipients",
        "add_recipients": "add_recipients",
        "add_list": "add_list",
        "try_campaign_out": "try_campaign_out",
        "approve_campaign": "approve_campaign",
        "pause_campaign": "pause_campaign",
        "resume_campaign": "resume_campaign",
        "stop_campaign": "stop_campaign",
        "list_messages": "list_messages",
        "read_outbox_message": "read_outbox_message",
        "explain": "explain",
        "process_outbox": "process_outbox",
        "cancel_messages": "cancel_messages",
        "requeue_messages": "requeue_messages",
        "list_delivery_logs": "list_delivery_logs",
        "cancel_message": "cancel_message",
        "requeue_message": "requeue_message",
        "take_receipts": "take_receipts",
        "take_report": "take_report",
        "list_closed_transports": "list_closed_transports",
        "open_closed_transport": "open_closed_transport",
        "list_costs": "list_costs",
        "read_sms_report": "read_sms_report",
        "list_unreachable": "list_unreachable",
        "try_address_again": "try_address_again",
        "Webhooks_get": "webhooks_get",
        "Webhooks_post": "webhooks_post",
        "OneWebhook_get": "one_webhook_get",
        "OneWebhook_patch": "one_webhook_patch",
        "renew_webhook_secret": "renew_webhook_secret",
        "list_audit_events": "list_audit_events",
    }

    def index(self) -> Record:
        """What the service is, which channels have a transport, which are in trouble, its
        addresses.
        """
        answer: Record = self._ask("index", "GET", "/api/notification/")
        return answer

    def count_messages(self, *, since: str | None = None) -> Record:
        """Count messages by event, channel and status; name the transports that are in trouble."""
        answer: Record = self._ask(
            "count_messages", "GET", "/api/notification/metrics/", query={"since": since}
        )
        return answer

    def list_lookups(self) -> Record:
        """All codes with their names."""
        answer: Record = self._ask("list_lookups", "GET", "/api/notification/lookups/")
        return answer

    def add_lookup(self, kind: str, body: Json) -> Record:
        """Add a module, a priority or an actor type of the institution's own."""
        answer: Record = self._ask(
            "add_lookup", "POST", "/api/notification/lookups/{}/", kind, body=body, media_type=JSON
        )
        return answer

    def change_lookup(
        self, kind: str, code: str, body: Json, *, if_match: str | None = None
    ) -> Record:
        """Change a code's name or weight; `is_active: false` takes it out of use."""
        answer: Record = self._ask(
            "change_lookup",
            "PATCH",
            "/api/notification/lookups/{}/{}/",
            kind,
            code,
            headers={"If-Match": if_match},
            body=body,
            media_type=JSON,
        )
        return answer

    def events_get(
        self,
        *,
        active: str | bool | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        module: str | None = None,
    ) -> Record:
        """List events by their codes."""
        answer: Record = self._ask(
            "Events_get",
            "GET",
            "/api/notification/events/",
            query={"limit": limit, "cursor": cursor, "module": module, "active": active},
        )
        return answer

    def events_post(self, body: Json) -> Record:
        """Add an event to the catalogue."""
        answer: Record = self._ask(
            "Events_post", "POST", "/api/notification/events/", body=body, media_type=JSON
        )
        return answer

    def one_event_get(self, code: str) -> Record:
        """Read an event."""
        answer: Record = self._ask("OneEvent_get", "GET", "/api/notification/events/{}/", code)
        return answer

    def one_event_patch(self, code: str, body: Json, *, if_match: str | None = None) -> Record:
        """Change what is given; `is_active: false` takes it out of use."""
        answer: Record = self._ask(
            "OneEvent_patch",
            "PATCH",
            "/api/notification/events/{}/",
            code,
            headers={"If-Match": if_match},
            body=body,
            media_type=JSON,
        )
        return answer

    def rules_get(
        self,
        *,
        active: str | bool | None = None,
        cursor: str | None = None,
        event_code: str | None = None,
        limit: int | None = None,
    ) -> Record:
        """List rules, newest first."""
        answer: Record = self._ask(
            "Rules_get",
            "GET",
            "/api/notification/rules/",
            query={"limit": limit, "cursor": cursor, "event_code": event_code, "active": active},
        )
        return answer

    def rules_post(self, body: Json) -> Record:
        """Make a rule; each active rule of an event makes messages of its own."""
        answer: Record = self._ask(
            "Rules_post", "POST", "/api/notification/rules/", body=body, media_type=JSON
        )
        return answer

    def one_rule_get(self, rule_id: str) -> Record:
        """Read a rule."""
        answer: Record = self._ask("OneRule_get", "GET", "/api/notification/rules/{}/", rule_id)
        return answer

    def one_rule_patch(self, rule_id: str, body: Json, *, if_match: str | None = None) -> Record:
        """Change what is given; `is_active: false` takes it out of use."""
        answer: Record = self._ask(
            "OneRule_patch",
            "PATCH",
            "/api/notification/rules/{}/",
            rule_id,
            headers={"If-Match": if_match},
            body=body,
            media_type=JSON,
        )
        return answer

    def templates_get(
        self,
        *,
        active: str | bool | None = None,
        channel: Literal["SMS", "EMAIL", "IN_APP", "WEBHOOK"] | None = None,
        cursor: str | None = None,
        event_code: str | None = None,
        language: str | None = None,
        limit: int | None = None,
    ) -> Record:
        """List templates, newest first."""
        answer: Record = self._ask(
            "Templates_get",
            "GET",
            "/api/notification/templates/",
            query={
                "limit": limit,
                "cursor": cursor,
                "event_code": event_code,
                "channel": channel,
                "language": language,
                "active": active,
            },
        )
        return answer

    def templates_post(self, body: Json) -> Record:
        """Write an event's words for a channel in a language, or their next version."""
        answer: Record = self._ask(
            "Templates_post", "POST", "/api/notification/templates/", body=body, media_type=JSON
        )
        return answer

    def one_template_get(self, template_id: str) -> Record:
        """Read a template."""
        answer: Record = self._ask(
            "OneTemplate_get", "GET", "/api/notification/templates/{}/", template_id
        )
        return answer

    def one_template_patch(
        self, template_id: str, body: Json, *, if_match: str | None = None
    ) -> Record:
        """Changed words are a new version, which is answered; `is_active` changes in place."""
        answer: Record = self._ask(
            "OneTemplate_patch",
            "PATCH",
            "/api/notification/templates/{}/",
            template_id,
            headers={"If-Match": if_match},
            body=body,
            media_type=JSON,
        )
        return answer

    def preview_template(self, body: Json) -> Record:
        """Show the words as they would be sent, and how an SMS of them travels."""
        answer: Record = self._ask(
            "preview_template",
            "POST",
            "/api/notification/templates/preview/",
            body=body,
            media_type=JSON,
        )
        return answer

    def one_preference_get(self, actor_type_code: str, user_id: str) -> Record:
        """Read a preference; who has not said any has the defaults."""
        answer: Record = self._ask(
            "OnePreference_get",
            "GET",
            "/api/notification/preferences/{}/{}/",
            actor_type_code,
            user_id,
        )
        return answer

    def one_preference_post(self, actor_type_code: str, user_id: str, body: Json) -> Record:
        """Set what is given of a preference."""
        answer: Record = self._ask(
            "OnePreference_post",
            "POST",
            "/api/notification/preferences/{}/{}/",
            actor_type_code,
            user_id,
            body=body,
            media_type=JSON,
        )
        return answer

    def list_inbox(
        self,
        user_id: str,
        *,
        actor_type: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        unread: str | bool | None = None,
    ) -> Record:
        """List a person's in-app messages, in the order of their events, newest first."""
        answer: Record = self._ask(
            "list_inbox",
            "GET",
            "/api/notification/inbox/{}/",
            user_id,
            query={"limit": limit, "cursor": cursor, "unread": unread, "actor_type": actor_type},
        )
        return answer

    def read_message(self, message_id: str) -> Record:
        """Mark a message as read; the first time counts."""
        answer: Record = self._ask(
            "read_message", "POST", "/api/notification/inbox/{}/read/", message_id
        )
        return answer

    def emit_event(self, body: Json) -> Record:
        """Queue an event's messages: all of them are on disk, or none is."""
        answer: Record = self._ask(
            "emit_event", "POST", "/api/notification/emit/", body=body, media_type=JSON
        )
        return answer

    def send_mail(self, body: Json) -> Record:
        """Hand one e-mail to the mail server now, once, and keep none of its words."""
        answer: Record = self._ask(
            "send_mail", "POST", "/api/notification/mail/", body=body, media_type=JSON
        )
        return answer

    def campaigns_get(
        self,
        *,
        cursor: str | None = None,
        event_code: str | None = None,
        limit: int | None = None,
        status: Literal["DRAFT", "RUNNING", "PAUSED", "STOPPED", "DONE"] | None = None,
    ) -> Record:
        """List campaigns, newest first."""
        answer: Record = self._ask(
            "Campaigns_get",
            "GET",
            "/api/notification/campaigns/",
            query={"limit": limit, "cursor": cursor, "status": status, "event_code": event_code},
        )
        return answer

    def campaigns_post(self, body: Json) -> Record:
        """Write a draft; people are added to it, and a second person approves it."""
        answer: Record = self._ask(
            "Campaigns_post", "POST", "/api/notification/campaigns/", body=body, media_type=JSON
        )
        return answer

    def one_campaign_get(self, campaign_id: str) -> Record:
        """Read a campaign, and how far it has come."""
        answer: Record = self._ask(
            "OneCampaign_get", "GET", "/api/notification/campaigns/{}/", campaign_id
        )
        return answer

    def one_campaign_patch(self, campaign_id: str, body: Json) -> Record:
        """Change a draft, which must be tried out again then; `rate` also while it runs."""
        answer: Record = self._ask(
            "OneCampaign_patch",
            "PATCH",
            "/api/notification/campaigns/{}/",
            campaign_id,
            body=body,
            media_type=JSON,
        )
        return answer

    def list_recipients(
        self,
        campaign_id: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        reason: str | None = None,
        status: Literal["WAITING", "QUEUED", "LEFT_OUT"] | None = None,
    ) -> Record:
        """List a campaign's people, the last of its list first: who waits, was queued, is left
        out.
        """
        answer: Record = self._ask(
            "list_recipients",
            "GET",
            "/api/notification/campaigns/{}/recipients/",
            campaign_id,
            query={"limit": limit, "cursor": cursor, "status": status, "reason": reason},
        )
        return answer

    def add_recipients(self, campaign_id: str, body: Json) -> Record:
        """Add people to a draft; who is on its list already stays as he is."""
        answer: Record = self._ask(
            "add_recipients",
            "POST",
            "/api/notification/campaigns/{}/recipients/",
            campaign_id,
            body=body,
            media_type=JSON,
        )
        return answer

    def add_list(
        self,
        campaign_id: str,
        body: Json | bytes | str,
        media_type: Literal["text/csv"] = "text/csv",
    ) -> Record:
        """Add the people of a CSV file to a draft: commas, semicolons or tabs, UTF-8 or
        Windows-1252.
        """
        answer: Record = self._ask(
            "add_list",
            "POST",
            "/api/notification/campaigns/{}/list/",
            campaign_id,
            body=body,
            media_type=media_type,
        )
        return answer

    def try_campaign_out(self, campaign_id: str) -> Record:
        """Go through a draft's list as if it were sent now: who, in which words, at what cost."""
        answer: Record = self._ask(
            "try_campaign_out", "POST", "/api/notification/campaigns/{}/dry-run/", campaign_id
        )
        return answer

    def approve_campaign(self, campaign_id: str, body: Json) -> Record:
        """Let a draft run as its dry run has shown it; 403 for whoever wrote it or added people."""
        answer: Record = self._ask(
            "approve_campaign",
            "POST",
            "/api/notification/campaigns/{}/approve/",
            campaign_id,
            body=body,
            media_type=JSON,
        )
        return answer

    def pause_campaign(self, campaign_id: str) -> Record:
        """Let nothing more leave for now; what is on its way at this moment arrives."""
        answer: Record = self._ask(
            "pause_campaign", "POST", "/api/notification/campaigns/{}/pause/", campaign_id
        )
        return answer

    def resume_campaign(self, campaign_id: str) -> Record:
        """Go on where the campaign was paused."""
        answer: Record = self._ask(
            "resume_campaign", "POST", "/api/notification/campaigns/{}/resume/", campaign_id
        )
        return answer

    def stop_campaign(self, campaign_id: str) -> Record:
        """Let nothing more leave, for good; what waits in the outbox is cancelled."""
        answer: Record = self._ask(
            "stop_campaign", "POST", "/api/notification/campaigns/{}/stop/", campaign_id
        )
        return answer

    def list_messages(
        self,
        *,
        channel: Literal["SMS", "EMAIL", "IN_APP", "WEBHOOK"] | None = None,
        cursor: str | None = None,
        due: str | bool | None = None,
        limit: int | None = None,
        status: Literal[
            "QUEUED",
            "WAITING",
            "SENDING",
            "SENT",
            "DELIVERED",
            "PARTLY_DELIVERED",
            "FAILED",
            "UNKNOWN",
            "CANCELLED",
            "DIGESTED",
        ]
        | None = None,
    ) -> Record:
        """List messages, newest first."""
        answer: Record = self._ask(
            "list_messages",
            "GET",
            "/api/notification/outbox/",
            query={
                "limit": limit,
                "cursor": cursor,
                "status": status,
                "channel": channel,
                "due": due,
            },
        )
        return answer

    def read_outbox_message(self, outbox_id: str) -> Record:
        """Read a message; of one with several numbers, what became of each."""
        answer: Record = self._ask(
            "read_outbox_message", "GET", "/api/notification/outbox/{}/", outbox_id
        )
        return answer

    def explain(
        self,
        *,
        actor_type: str | None = None,
        event_code: str | None = None,
        outbox_id: str | None = None,
        user_id: str | None = None,
    ) -> Record:
        """Say why a person gets a message of an event or not; or what became of one message."""
        answer: Record = self._ask(
            "explain",
            "GET",
            "/api/notification/explain/",
            query={
                "event_code": event_code,
                "user_id": user_id,
                "actor_type": actor_type,
                "outbox_id": outbox_id,
            },
        )
        return answer

    def process_outbox(self, body: Json) -> Record:
        """Send messages that are due, the most urgent first, as a worker does."""
        answer: Record = self._ask(
            "process_outbox",
            "POST",
            "/api/notification/outbox/process/",
            body=body,
            media_type=JSON,
        )
        return answer

    def cancel_messages(self, body: Json) -> Record:
        """Stop all messages of a filter that wait or are held as UNKNOWN; up to 10,000 in a
        call.
        """
        answer: Record = self._ask(
            "cancel_messages",
            "POST",
            "/api/notification/outbox/cancel/",
            body=body,
            media_type=JSON,
        )
        return answer

    def requeue_messages(self, body: Json) -> Record:
        """Queue all FAILED messages of a filter anew; up to 10,000 in a call."""
        answer: Record = self._ask(
            "requeue_messages",
            "POST",
            "/api/notification/outbox/requeue/",
            body=body,
            media_type=JSON,
        )
        return answer

    def list_delivery_logs(
        self, outbox_id: str, *, cursor: str | None = None, limit: int | None = None
    ) -> Record:
        """List a message's attempts and what was decided about it, newest first."""
        answer: Record = self._ask(
            "list_delivery_logs",
            "GET",
            "/api/notification/outbox/{}/delivery-logs/",
            outbox_id,
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    def cancel_message(self, outbox_id: str) -> Record:
        """Stop a message that is QUEUED, FAILED, or held as UNKNOWN."""
        answer: Record = self._ask(
            "cancel_message", "POST", "/api/notification/outbox/{}/cancel/", outbox_id
        )
        return answer

    def requeue_message(self, outbox_id: str) -> Record:
        """Queue a FAILED, UNKNOWN or CANCELLED message anew, with fresh attempts."""
        answer: Record = self._ask(
            "requeue_message", "POST", "/api/notification/outbox/{}/requeue/", outbox_id
        )
        return answer

    def take_receipts(
        self,
        provider: str,
        body: Json | bytes | str | None = None,
        media_type: Literal[
            "application/json", "application/x-www-form-urlencoded"
        ] = "application/json",
    ) -> Record:
        """Take a provider's delivery receipts, proved by its shared secret."""
        answer: Record = self._ask(
            "take_receipts",
            "POST",
            "/api/notification/receipts/{}/",
            provider,
            body=body,
            media_type=media_type,
        )
        return answer

    def take_report(
        self,
        body: Json | bytes | str | None = None,
        media_type: Literal["message/rfc822", "application/json"] = "message/rfc822",
    ) -> Record:
        """Take a mail that a mail server brought to a return path, or a provider's hook."""
        answer: Record = self._ask(
            "take_report",
            "POST",
            "/api/notification/mail-reports/",
            body=body,
            media_type=media_type,
        )
        return answer

    def list_closed_transports(self) -> Record:
        """List the transports that are closed, or took nothing since; none: all is well."""
        answer: Record = self._ask("list_closed_transports", "GET", "/api/notification/transports/")
        return answer

    def open_closed_transport(self, channel: str, provider: str) -> Record:
        """Open a closed way at once: somebody has mended what closed it."""
        answer: Record = self._ask(
            "open_closed_transport",
            "POST",
            "/api/notification/transports/{}/{}/open/",
            channel,
            provider,
        )
        return answer

    def list_costs(
        self,
        *,
        event_code: str | None = None,
        provider: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Record:
        """List what SMS cost, the newest month first; and this month's budgets."""
        answer: Record = self._ask(
            "list_costs",
            "GET",
            "/api/notification/costs/",
            query={"since": since, "until": until, "event_code": event_code, "provider": provider},
        )
        return answer

    def read_sms_report(
        self,
        *,
        by: Literal["month_event_provider", "month", "event", "provider"] | None = None,
        event_code: str | None = None,
        provider: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Record:
        """Sum up SMS and their cost by month, event or provider; what cost most comes first."""
        answer: Record = self._ask(
            "read_sms_report",
            "GET",
            "/api/notification/report/",
            query={
                "since": since,
                "until": until,
                "event_code": event_code,
                "provider": provider,
                "by": by,
            },
        )
        return answer

    def list_unreachable(
        self,
        *,
        actor_type: str | None = None,
        channel: Literal["SMS", "EMAIL", "IN_APP", "WEBHOOK"] | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        skipped: str | bool | None = None,
        user_id: str | None = None,
    ) -> Record:
        """List addresses where messages failed for good and nothing has arrived since, newest
        first.
        """
        answer: Record = self._ask(
            "list_unreachable",
            "GET",
            "/api/notification/unreachable/",
            query={
                "limit": limit,
                "cursor": cursor,
                "channel": channel,
                "user_id": user_id,
                "actor_type": actor_type,
                "skipped": skipped,
            },
        )
        return answer

    def try_address_again(self, address_id: str) -> Record:
        """Forget an address's failures: the next message goes there."""
        answer: Record = self._ask(
            "try_address_again", "POST", "/api/notification/unreachable/{}/try-again/", address_id
        )
        return answer

    def webhooks_get(
        self,
        *,
        active: str | bool | None = None,
        actor_type: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        user_id: str | None = None,
    ) -> Record:
        """List webhooks, newest first."""
        answer: Record = self._ask(
            "Webhooks_get",
            "GET",
            "/api/notification/webhooks/",
            query={
                "limit": limit,
                "cursor": cursor,
                "user_id": user_id,
                "actor_type": actor_type,
                "active": active,
            },
        )
        return answer

    def webhooks_post(self, body: Json) -> Record:
        """Say where a recipient listens; a recipient has one webhook. Its secret is told once."""
        answer: Record = self._ask(
            "Webhooks_post", "POST", "/api/notification/webhooks/", body=body, media_type=JSON
        )
        return answer

    def one_webhook_get(self, webhook_id: str) -> Record:
        """Read a webhook."""
        answer: Record = self._ask(
            "OneWebhook_get", "GET", "/api/notification/webhooks/{}/", webhook_id
        )
        return answer

    def one_webhook_patch(
        self, webhook_id: str, body: Json, *, if_match: str | None = None
    ) -> Record:
        """Change what is given; `is_active: false` takes it out of use."""
        answer: Record = self._ask(
            "OneWebhook_patch",
            "PATCH",
            "/api/notification/webhooks/{}/",
            webhook_id,
            headers={"If-Match": if_match},
            body=body,
            media_type=JSON,
        )
        return answer

    def renew_webhook_secret(self, webhook_id: str) -> Record:
        """Give it another secret, which is told once; the former one signs nothing any more."""
        answer: Record = self._ask(
            "renew_webhook_secret", "POST", "/api/notification/webhooks/{}/secret/", webhook_id
        )
        return answer

    def list_audit_events(
        self,
        *,
        act: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        object: str | None = None,
        since: str | None = None,
        until: str | None = None,
        who: str | None = None,
    ) -> Record:
        """List the acts of staff, clients and commands, newest first."""
        answer: Record = self._ask(
            "list_audit_events",
            "GET",
            "/api/notification/audit/",
            query={
                "who": who,
                "act": act,
                "object": object,
                "since": since,
                "until": until,
                "limit": limit,
                "cursor": cursor,
            },
        )
        return answer
