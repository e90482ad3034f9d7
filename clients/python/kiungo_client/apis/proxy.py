"""Channel proxy: written by `tools/client_code.py`, not by hand."""

from typing import Any, Literal

from kiungo_client.apis.base import JSON, Api, Json, Record


class Proxy(Api):
    """The operations of Channel proxy."""

    OPERATIONS = {
        "Clients_get": "clients_get",
        "Clients_post": "clients_post",
        "OneClient_get": "one_client_get",
        "OneClient_patch": "one_client_patch",
        "OneClient_delete": "one_client_delete",
        "rotate_secret": "rotate_secret",
        "drop_secret": "drop_secret",
        "Mediators_get": "mediators_get",
        "Mediators_post": "mediators_post",
        "OneMediator_get": "one_mediator_get",
        "OneMediator_patch": "one_mediator_patch",
        "OneMediator_delete": "one_mediator_delete",
        "heartbeat": "heartbeat",
        "install_suggested_channels": "install_suggested_channels",
        "Channels_get": "channels_get",
        "Channels_post": "channels_post",
        "OneChannel_get": "one_channel_get",
        "OneChannel_patch": "one_channel_patch",
        "OneChannel_delete": "one_channel_delete",
        "test_match": "test_match",
        "list_versions": "list_versions",
        "read_version": "read_version",
        "roll_back_to": "roll_back_to",
        "try_change": "try_change",
        "Registrations_get": "registrations_get",
        "Registrations_post": "registrations_post",
        "OneRegistration_get": "one_registration_get",
        "OneRegistration_patch": "one_registration_patch",
        "OneRegistration_delete": "one_registration_delete",
        "Staff_get": "staff_get",
        "Staff_post": "staff_post",
        "OneMember_get": "one_member_get",
        "OneMember_patch": "one_member_patch",
        "OneMember_delete": "one_member_delete",
        "Sessions_get": "sessions_get",
        "Sessions_delete": "sessions_delete",
        "Roles_get": "roles_get",
        "Roles_post": "roles_post",
        "OneRole_get": "one_role_get",
        "OneRole_patch": "one_role_patch",
        "OneRole_delete": "one_role_delete",
        "list_transactions": "list_transactions",
        "read_transaction": "read_transaction",
        "rerun": "rerun",
        "rerun_matching": "rerun_matching",
        "Tasks_get": "tasks_get",
        "Tasks_post": "tasks_post",
        "read_task": "read_task",
        "list_task_calls": "list_task_calls",
        "pause_task": "pause_task",
        "resume_task": "resume_task",
        "cancel_task": "cancel_task",
        "list_rejections": "list_rejections",
        "list_differences": "list_differences",
        "read_metrics": "read_metrics",
        "list_checks": "list_checks",
        "list_alerts": "list_alerts",
        "read_alert": "read_alert",
        "acknowledge_alert": "acknowledge_alert",
        "AlertRules_get": "alert_rules_get",
        "AlertRules_post": "alert_rules_post",
        "preview_rule": "preview_rule",
        "OneAlertRule_get": "one_alert_rule_get",
        "OneAlertRule_patch": "one_alert_rule_patch",
        "OneAlertRule_delete": "one_alert_rule_delete",
        "ContactGroups_get": "contact_groups_get",
        "ContactGroups_post": "contact_groups_post",
        "OneContactGroup_get": "one_contact_group_get",
        "OneContactGroup_patch": "one_contact_group_patch",
        "OneContactGroup_delete": "one_contact_group_delete",
        "MaintenanceWindows_get": "maintenance_windows_get",
        "MaintenanceWindows_post": "maintenance_windows_post",
        "delete_maintenance_window": "delete_maintenance_window",
        "read_report": "read_report",
        "read_error_kinds": "read_error_kinds",
        "Metadata_get": "metadata_get",
        "Metadata_post": "metadata_post",
        "fetch_token": "fetch_token",
        "jwks": "jwks",
        "list_audit_events": "list_audit_events",
        "health": "health",
        "index": "index",
        "favicon": "favicon",
        "tester": "tester",
        "make_call": "make_call",
        "read_call_state": "read_call_state",
        "read_whole_answer": "read_whole_answer",
    }

    def clients_get(self, *, cursor: str | None = None, limit: int | None = None) -> Record:
        """List clients, newest first."""
        answer: Record = self._ask(
            "Clients_get", "GET", "/api/proxy/clients/", query={"limit": limit, "cursor": cursor}
        )
        return answer

    def clients_post(self, body: Json) -> Record:
        """Create a client; a secret that is made for it is in this answer and nowhere else."""
        answer: Record = self._ask(
            "Clients_post", "POST", "/api/proxy/clients/", body=body, media_type=JSON
        )
        return answer

    def one_client_get(self, client_pk: str) -> Record:
        """Read a client."""
        answer: Record = self._ask("OneClient_get", "GET", "/api/proxy/clients/{}/", client_pk)
        return answer

    def one_client_patch(
        self, client_pk: str, body: Json, *, if_match: str | None = None
    ) -> Record:
        """Change what is given of a client."""
        answer: Record = self._ask(
            "OneClient_patch",
            "PATCH",
            "/api/proxy/clients/{}/",
            client_pk,
            headers={"If-Match": if_match},
            body=body,
            media_type=JSON,
        )
        return answer

    def one_client_delete(self, client_pk: str, *, if_match: str | None = None) -> None:
        """Delete a client; its calls stay on record."""
        self._ask(
            "OneClient_delete",
            "DELETE",
            "/api/proxy/clients/{}/",
            client_pk,
            headers={"If-Match": if_match},
        )

    def rotate_secret(self, client_pk: str, body: Json | None = None) -> Record:
        """Give a client one more secret, shown once; of more than two the oldest stops working."""
        answer: Record = self._ask(
            "rotate_secret",
            "POST",
            "/api/proxy/clients/{}/rotate-secret/",
            client_pk,
            body=body,
            media_type=JSON,
        )
        return answer

    def drop_secret(self, client_pk: str, secret_id: str) -> None:
        """End a rotation: this secret stops working, the other one stays."""
        self._ask(
            "drop_secret", "DELETE", "/api/proxy/clients/{}/secrets/{}/", client_pk, secret_id
        )

    def mediators_get(self, *, cursor: str | None = None, limit: int | None = None) -> Record:
        """List mediators, newest first."""
        answer: Record = self._ask(
            "Mediators_get",
            "GET",
            "/api/proxy/mediators/",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    def mediators_post(self, body: Json) -> Record:
        """Register a mediator: 201 a new one, 200 a known urn with an equal or higher version."""
        answer: Record = self._ask(
            "Mediators_post", "POST", "/api/proxy/mediators/", body=body, media_type=JSON
        )
        return answer

    def one_mediator_get(self, mediator_id: str) -> Record:
        """Read a mediator."""
        answer: Record = self._ask(
            "OneMediator_get", "GET", "/api/proxy/mediators/{}/", mediator_id
        )
        return answer

    def one_mediator_patch(
        self, mediator_id: str, body: Json, *, if_match: str | None = None
    ) -> Record:
        """Change what is given of a mediator by hand; its urn stays."""
        answer: Record = self._ask(
            "OneMediator_patch",
            "PATCH",
            "/api/proxy/mediators/{}/",
            mediator_id,
            headers={"If-Match": if_match},
            body=body,
            media_type=JSON,
        )
        return answer

    def one_mediator_delete(self, mediator_id: str, *, if_match: str | None = None) -> None:
        """Delete a mediator that no channel leads to."""
        self._ask(
            "OneMediator_delete",
            "DELETE",
            "/api/proxy/mediators/{}/",
            mediator_id,
            headers={"If-Match": if_match},
        )

    def heartbeat(self, urn: str, body: Json | None = None) -> Record:
        """Say that a mediator lives, and for how long; the answer holds its whole configuration."""
        answer: Record = self._ask(
            "heartbeat",
            "POST",
            "/api/proxy/mediators/{}/heartbeat/",
            urn,
            body=body,
            media_type=JSON,
        )
        return answer

    def install_suggested_channels(self, mediator_id: str, body: Json | None = None) -> Any:
        """Open the channels that a mediator suggests, all or those of these names."""
        answer: Any = self._ask(
            "install_suggested_channels",
            "POST",
            "/api/proxy/mediators/{}/channels/",
            mediator_id,
            body=body,
            media_type=JSON,
        )
        return answer

    def channels_get(self, *, cursor: str | None = None, limit: int | None = None) -> Record:
        """List channels, newest first."""
        answer: Record = self._ask(
            "Channels_get", "GET", "/api/proxy/channels/", query={"limit": limit, "cursor": cursor}
        )
        return answer

    def channels_post(self, body: Json) -> Record:
        """Open a channel; it takes calls within a second."""
        answer: Record = self._ask(
            "Channels_post", "POST", "/api/proxy/channels/", body=body, media_type=JSON
        )
        return answer

    def one_channel_get(self, channel_id: str) -> Record:
        """Read a channel."""
        answer: Record = self._ask("OneChannel_get", "GET", "/api/proxy/channels/{}/", channel_id)
        return answer

    def one_channel_patch(
        self, channel_id: str, body: Json, *, if_match: str | None = None
    ) -> Record:
        """Change what is given of a channel."""
        answer: Record = self._ask(
            "OneChannel_patch",
            "PATCH",
            "/api/proxy/channels/{}/",
            channel_id,
            headers={"If-Match": if_match},
            body=body,
            media_type=JSON,
        )
        return answer

    def one_channel_delete(self, channel_id: str, *, if_match: str | None = None) -> None:
        """Delete a channel with its registrations; its calls stay on record."""
        self._ask(
            "OneChannel_delete",
            "DELETE",
            "/api/proxy/channels/{}/",
            channel_id,
            headers={"If-Match": if_match},
        )

    def test_match(self, channel_id: str, body: Json) -> Record:
        """Would this method and path match, if not why, and which channel would take the call?"""
        answer: Record = self._ask(
            "test_match",
            "POST",
            "/api/proxy/channels/{}/test-match/",
            channel_id,
            body=body,
            media_type=JSON,
        )
        return answer

    def list_versions(
        self, channel_id: str, *, cursor: str | None = None, limit: int | None = None
    ) -> Record:
        """List the versions of a channel, newest first: who made each, when, and what it
        changed.
        """
        answer: Record = self._ask(
            "list_versions",
            "GET",
            "/api/proxy/channels/{}/versions/",
            channel_id,
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    def read_version(self, channel_id: str, number: int) -> Record:
        """Read a channel as it was in a version."""
        answer: Record = self._ask(
            "read_version", "GET", "/api/proxy/channels/{}/versions/{}/", channel_id, number
        )
        return answer

    def roll_back_to(self, channel_id: str, number: int) -> Record:
        """Let a channel be as it was in a version; this makes a version, too, in force in a
        second.
        """
        answer: Record = self._ask(
            "roll_back_to",
            "POST",
            "/api/proxy/channels/{}/versions/{}/rollback/",
            channel_id,
            number,
        )
        return answer

    def try_change(self, channel_id: str, body: Json) -> Record:
        """Which of the newest calls would a change send elsewhere, reject, take or rewrite
        otherwise?
        """
        answer: Record = self._ask(
            "try_change",
            "POST",
            "/api/proxy/channels/{}/dry-run/",
            channel_id,
            body=body,
            media_type=JSON,
        )
        return answer

    def registrations_get(self, *, cursor: str | None = None, limit: int | None = None) -> Record:
        """List registrations, newest first."""
        answer: Record = self._ask(
            "Registrations_get",
            "GET",
            "/api/proxy/registrations/",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    def registrations_post(self, body: Json) -> Record:
        """Register an organization, for one channel or for all; it needs at least one code."""
        answer: Record = self._ask(
            "Registrations_post", "POST", "/api/proxy/registrations/", body=body, media_type=JSON
        )
        return answer

    def one_registration_get(self, registration_id: str) -> Record:
        """Read a registration."""
        answer: Record = self._ask(
            "OneRegistration_get", "GET", "/api/proxy/registrations/{}/", registration_id
        )
        return answer

    def one_registration_patch(
        self, registration_id: str, body: Json, *, if_match: str | None = None
    ) -> Record:
        """Change what is given of a registration."""
        answer: Record = self._ask(
            "OneRegistration_patch",
            "PATCH",
            "/api/proxy/registrations/{}/",
            registration_id,
            headers={"If-Match": if_match},
            body=body,
            media_type=JSON,
        )
        return answer

    def one_registration_delete(self, registration_id: str, *, if_match: str | None = None) -> None:
        """Delete a registration."""
        self._ask(
            "OneRegistration_delete",
            "DELETE",
            "/api/proxy/registrations/{}/",
            registration_id,
            headers={"If-Match": if_match},
        )

    def staff_get(self, *, cursor: str | None = None, limit: int | None = None) -> Record:
        """List staff, newest first."""
        answer: Record = self._ask(
            "Staff_get", "GET", "/api/proxy/staff/", query={"limit": limit, "cursor": cursor}
        )
        return answer

    def staff_post(self, body: Json) -> Record:
        """Let a member of staff in."""
        answer: Record = self._ask(
            "Staff_post", "POST", "/api/proxy/staff/", body=body, media_type=JSON
        )
        return answer

    def one_member_get(self, member_id: str) -> Record:
        """Read a member of staff."""
        answer: Record = self._ask("OneMember_get", "GET", "/api/proxy/staff/{}/", member_id)
        return answer

    def one_member_patch(
        self, member_id: str, body: Json, *, if_match: str | None = None
    ) -> Record:
        """Change what is given of a member of staff; the last administrator stays one."""
        answer: Record = self._ask(
            "OneMember_patch",
            "PATCH",
            "/api/proxy/staff/{}/",
            member_id,
            headers={"If-Match": if_match},
            body=body,
            media_type=JSON,
        )
        return answer

    def one_member_delete(self, member_id: str, *, if_match: str | None = None) -> None:
        """Let a member of staff go; the last administrator stays."""
        self._ask(
            "OneMember_delete",
            "DELETE",
            "/api/proxy/staff/{}/",
            member_id,
            headers={"If-Match": if_match},
        )

    def sessions_get(self, member_id: str) -> Record:
        """List the sessions that may still stand, the one seen last first."""
        answer: Record = self._ask(
            "Sessions_get", "GET", "/api/proxy/staff/{}/sessions/", member_id
        )
        return answer

    def sessions_delete(self, member_id: str) -> None:
        """End all sessions of a member of staff: at once, in all services."""
        self._ask("Sessions_delete", "DELETE", "/api/proxy/staff/{}/sessions/", member_id)

    def roles_get(self, *, cursor: str | None = None, limit: int | None = None) -> Record:
        """List the roles of staff that were made here, newest first."""
        answer: Record = self._ask(
            "Roles_get", "GET", "/api/proxy/roles/", query={"limit": limit, "cursor": cursor}
        )
        return answer

    def roles_post(self, body: Json) -> Record:
        """Make a role of rights that you hold."""
        answer: Record = self._ask(
            "Roles_post", "POST", "/api/proxy/roles/", body=body, media_type=JSON
        )
        return answer

    def one_role_get(self, role_id: str) -> Record:
        """Read a role."""
        answer: Record = self._ask("OneRole_get", "GET", "/api/proxy/roles/{}/", role_id)
        return answer

    def one_role_patch(self, role_id: str, body: Json) -> Record:
        """Change a role, at once for all who have it."""
        answer: Record = self._ask(
            "OneRole_patch", "PATCH", "/api/proxy/roles/{}/", role_id, body=body, media_type=JSON
        )
        return answer

    def one_role_delete(self, role_id: str) -> None:
        """Forget a role that nobody has."""
        self._ask("OneRole_delete", "DELETE", "/api/proxy/roles/{}/", role_id)

    def list_transactions(
        self,
        *,
        about: str | None = None,
        channel: str | None = None,
        client: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        max_duration_ms: float | None = None,
        mediator: str | None = None,
        method: str | None = None,
        min_duration_ms: float | None = None,
        path: str | None = None,
        properties: str | bool | None = None,
        q: str | None = None,
        response_status: str | None = None,
        since: str | None = None,
        status: Literal[
            "pending", "processing", "successful", "completed", "completed with errors", "failed"
        ]
        | None = None,
        until: str | None = None,
        when: Literal[
            "this_hour", "this_hour_last_week", "today", "yesterday", "this_week", "last_week"
        ]
        | None = None,
    ) -> Record:
        """List calls, newest first, without headers and bodies."""
        answer: Record = self._ask(
            "list_transactions",
            "GET",
            "/api/proxy/transactions/",
            query={
                "status": status,
                "channel": channel,
                "client": client,
                "mediator": mediator,
                "method": method,
                "path": path,
                "response_status": response_status,
                "since": since,
                "until": until,
                "when": when,
                "min_duration_ms": min_duration_ms,
                "max_duration_ms": max_duration_ms,
                "q": q,
                "properties": properties,
                "about": about,
                "limit": limit,
                "cursor": cursor,
            },
        )
        return answer

    def read_transaction(self, correlation_id: str, *, x_reason: str | None = None) -> Record:
        """Read a call with everything that is on record; some channels ask why."""
        answer: Record = self._ask(
            "read_transaction",
            "GET",
            "/api/proxy/transactions/{}/",
            correlation_id,
            headers={"X-Reason": x_reason},
        )
        return answer

    def rerun(self, correlation_id: str) -> Record:
        """Make a call again: as a new one that points at this one."""
        answer: Record = self._ask(
            "rerun", "POST", "/api/proxy/transactions/{}/rerun/", correlation_id
        )
        return answer

    def rerun_matching(self, body: Json) -> Record:
        """Make the newest calls again that meet conditions, and tell which cannot be repeated."""
        answer: Record = self._ask(
            "rerun_matching", "POST", "/api/proxy/transactions/rerun/", body=body, media_type=JSON
        )
        return answer

    def tasks_get(self, *, cursor: str | None = None, limit: int | None = None) -> Record:
        """List tasks, newest first."""
        answer: Record = self._ask(
            "Tasks_get", "GET", "/api/proxy/tasks/", query={"limit": limit, "cursor": cursor}
        )
        return answer

    def tasks_post(self, body: Json) -> Record:
        """Let the worker make calls again: those of a filter, made before now, or those named."""
        answer: Record = self._ask(
            "Tasks_post", "POST", "/api/proxy/tasks/", body=body, media_type=JSON
        )
        return answer

    def read_task(self, task_id: str) -> Record:
        """Read a task: how many of its calls wait, have ended well, have failed, were left out."""
        answer: Record = self._ask("read_task", "GET", "/api/proxy/tasks/{}/", task_id)
        return answer

    def list_task_calls(
        self,
        task_id: str,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        state: Literal["waiting", "in_hand", "done", "failed", "unknown", "left_out"] | None = None,
    ) -> Record:
        """List a task's calls, newest first, each with its repetition and what became of it."""
        answer: Record = self._ask(
            "list_task_calls",
            "GET",
            "/api/proxy/tasks/{}/calls/",
            task_id,
            query={"limit": limit, "cursor": cursor, "state": state},
        )
        return answer

    def pause_task(self, task_id: str) -> Record:
        """Make no further calls until the task is resumed; those under way end."""
        answer: Record = self._ask("pause_task", "POST", "/api/proxy/tasks/{}/pause/", task_id)
        return answer

    def resume_task(self, task_id: str) -> Record:
        """Go on with a task that was paused."""
        answer: Record = self._ask("resume_task", "POST", "/api/proxy/tasks/{}/resume/", task_id)
        return answer

    def cancel_task(self, task_id: str) -> Record:
        """Make no further calls of a task for good; those under way end."""
        answer: Record = self._ask("cancel_task", "POST", "/api/proxy/tasks/{}/cancel/", task_id)
        return answer

    def list_rejections(
        self,
        *,
        client: str | None = None,
        cursor: str | None = None,
        limit: int | None = None,
        path: str | None = None,
    ) -> Record:
        """List refused requests, newest first: who claimed to ask for what, and why it was
        refused.
        """
        answer: Record = self._ask(
            "list_rejections",
            "GET",
            "/api/proxy/rejections/",
            query={"client": client, "path": path, "limit": limit, "cursor": cursor},
        )
        return answer

    def list_differences(
        self,
        *,
        channel: str | None = None,
        client: str | None = None,
        cursor: str | None = None,
        difference: Literal["unanswered", "status", "content_type", "body"] | None = None,
        limit: int | None = None,
        path: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Record:
        """List calls whose copies another hub answered otherwise, newest first."""
        answer: Record = self._ask(
            "list_differences",
            "GET",
            "/api/proxy/shadow-differences/",
            query={
                "channel": channel,
                "client": client,
                "difference": difference,
                "path": path,
                "since": since,
                "until": until,
                "limit": limit,
                "cursor": cursor,
            },
        )
        return answer

    def read_metrics(
        self,
        *,
        by: Literal["hour", "day"] | None = None,
        channel: str | None = None,
        since: str | None = None,
        until: str | None = None,
    ) -> Record:
        """Count calls and failures, with mean and 95th percentile duration; newest period first."""
        answer: Record = self._ask(
            "read_metrics",
            "GET",
            "/api/proxy/metrics/",
            query={"by": by, "since": since, "until": until, "channel": channel},
        )
        return answer

    def list_checks(self) -> Record:
        """Read how all parts of the installation were found lately, and what is not well."""
        answer: Record = self._ask("list_checks", "GET", "/api/proxy/checks/")
        return answer

    def list_alerts(
        self,
        *,
        cursor: str | None = None,
        limit: int | None = None,
        state: Literal["open", "ended"] | None = None,
    ) -> Record:
        """List alerts, newest first."""
        answer: Record = self._ask(
            "list_alerts",
            "GET",
            "/api/proxy/alerts/",
            query={"state": state, "limit": limit, "cursor": cursor},
        )
        return answer

    def read_alert(self, alert_id: str) -> Record:
        """Read an alert."""
        answer: Record = self._ask("read_alert", "GET", "/api/proxy/alerts/{}/", alert_id)
        return answer

    def acknowledge_alert(self, alert_id: str) -> Record:
        """Say that somebody looks after it: it is neither told again nor escalated."""
        answer: Record = self._ask(
            "acknowledge_alert", "POST", "/api/proxy/alerts/{}/acknowledge/", alert_id
        )
        return answer

    def alert_rules_get(self, *, cursor: str | None = None, limit: int | None = None) -> Record:
        """List alert rules, newest first."""
        answer: Record = self._ask(
            "AlertRules_get",
            "GET",
            "/api/proxy/alert-rules/",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    def alert_rules_post(self, body: Json) -> Record:
        """Add an alert rule; it is evaluated from now on."""
        answer: Record = self._ask(
            "AlertRules_post", "POST", "/api/proxy/alert-rules/", body=body, media_type=JSON
        )
        return answer

    def preview_rule(self, body: Json) -> Record:
        """Find out what a rule would have done over the last day; nothing is kept."""
        answer: Record = self._ask(
            "preview_rule", "POST", "/api/proxy/alert-rules/preview/", body=body, media_type=JSON
        )
        return answer

    def one_alert_rule_get(self, rule_id: str) -> Record:
        """Read an alert rule."""
        answer: Record = self._ask("OneAlertRule_get", "GET", "/api/proxy/alert-rules/{}/", rule_id)
        return answer

    def one_alert_rule_patch(self, rule_id: str, body: Json) -> Record:
        """Change what is given of an alert rule."""
        answer: Record = self._ask(
            "OneAlertRule_patch",
            "PATCH",
            "/api/proxy/alert-rules/{}/",
            rule_id,
            body=body,
            media_type=JSON,
        )
        return answer

    def one_alert_rule_delete(self, rule_id: str) -> None:
        """Delete an alert rule and its alerts."""
        self._ask("OneAlertRule_delete", "DELETE", "/api/proxy/alert-rules/{}/", rule_id)

    def contact_groups_get(self, *, cursor: str | None = None, limit: int | None = None) -> Record:
        """List contact groups, newest first."""
        answer: Record = self._ask(
            "ContactGroups_get",
            "GET",
            "/api/proxy/contact-groups/",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    def contact_groups_post(self, body: Json) -> Record:
        """Add a contact group."""
        answer: Record = self._ask(
            "ContactGroups_post", "POST", "/api/proxy/contact-groups/", body=body, media_type=JSON
        )
        return answer

    def one_contact_group_get(self, group_id: str) -> Record:
        """Read a contact group."""
        answer: Record = self._ask(
            "OneContactGroup_get", "GET", "/api/proxy/contact-groups/{}/", group_id
        )
        return answer

    def one_contact_group_patch(self, group_id: str, body: Json) -> Record:
        """Change what is given of a contact group."""
        answer: Record = self._ask(
            "OneContactGroup_patch",
            "PATCH",
            "/api/proxy/contact-groups/{}/",
            group_id,
            body=body,
            media_type=JSON,
        )
        return answer

    def one_contact_group_delete(self, group_id: str) -> None:
        """Delete a contact group: its rules tell nobody then."""
        self._ask("OneContactGroup_delete", "DELETE", "/api/proxy/contact-groups/{}/", group_id)

    def maintenance_windows_get(
        self, *, cursor: str | None = None, limit: int | None = None
    ) -> Record:
        """List maintenance windows, newest first."""
        answer: Record = self._ask(
            "MaintenanceWindows_get",
            "GET",
            "/api/proxy/maintenance-windows/",
            query={"limit": limit, "cursor": cursor},
        )
        return answer

    def maintenance_windows_post(self, body: Json) -> Record:
        """Announce a time in which nothing is raised about somebody."""
        answer: Record = self._ask(
            "MaintenanceWindows_post",
            "POST",
            "/api/proxy/maintenance-windows/",
            body=body,
            media_type=JSON,
        )
        return answer

    def delete_maintenance_window(self, window_id: str) -> None:
        """Delete a maintenance window: what is not well is told again."""
        self._ask(
            "delete_maintenance_window", "DELETE", "/api/proxy/maintenance-windows/{}/", window_id
        )

    def read_report(
        self,
        *,
        by: Literal["channel_client", "channel", "client", "mediator", "status"] | None = None,
        channel: str | None = None,
        client: str | None = None,
        order: Literal["calls", "failures", "failed", "slowest"] | None = None,
        since: str | None = None,
        target_ms: float | None = None,
        until: str | None = None,
    ) -> Record:
        """Shares within a target time, failures, percentiles and times per stage, most calls
        first.
        """
        answer: Record = self._ask(
            "read_report",
            "GET",
            "/api/proxy/report/",
            query={
                "by": by,
                "since": since,
                "until": until,
                "channel": channel,
                "client": client,
                "order": order,
                "target_ms": target_ms,
            },
        )
        return answer

    def read_error_kinds(self, *, since: str | None = None, until: str | None = None) -> Record:
        """Count failed calls by channel and the shape of their error; kinds that are new come
        first.
        """
        answer: Record = self._ask(
            "read_error_kinds",
            "GET",
            "/api/proxy/report/errors/",
            query={"since": since, "until": until},
        )
        return answer

    def metadata_get(self) -> Record:
        """Export everything as a document that can be kept, compared and applied elsewhere."""
        answer: Record = self._ask("Metadata_get", "GET", "/api/proxy/metadata/")
        return answer

    def metadata_post(self, body: Json, *, dry_run: bool | None = None) -> Record:
        """Let this installation be as a document says: all of it, or nothing."""
        answer: Record = self._ask(
            "Metadata_post",
            "POST",
            "/api/proxy/metadata/",
            query={"dry_run": dry_run},
            body=body,
            media_type=JSON,
        )
        return answer

    def fetch_token(
        self,
        body: Json | bytes | str,
        media_type: Literal[
            "application/x-www-form-urlencoded"
        ] = "application/x-www-form-urlencoded",
    ) -> Record:
        """Fetch an access token by client credentials: HTTP Basic, members of the form, or over
        TLS a certificate of the client's (RFC 8705).
        """
        answer: Record = self._ask(
            "fetch_token", "POST", "/oauth/token", body=body, media_type=media_type
        )
        return answer

    def jwks(self) -> Record:
        """The public keys that access tokens are signed with (RFC 7517)."""
        answer: Record = self._ask("jwks", "GET", "/.well-known/jwks.json")
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
            "/api/proxy/audit/",
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

    def health(self) -> Record:
        """Whether the hub is well; its parts are asked when the installation says so."""
        answer: Record = self._ask("health", "GET", "/health/")
        return answer

    def index(self) -> Record:
        """The addresses of the hub."""
        answer: Record = self._ask("index", "GET", "/")
        return answer

    def favicon(self) -> Any:
        """Lead browsers to the installation's icon."""
        answer: Any = self._ask("favicon", "GET", "/favicon.ico")
        return answer

    def tester(self) -> Any:
        """Lead operators to the integration tester in the console."""
        answer: Any = self._ask("tester", "GET", "/tester/")
        return answer

    def make_call(self, body: Json, *, idempotency_key: str | None = None) -> Any:
        """Make a call by channel id; the answer is the mediator's own."""
        answer: Any = self._ask(
            "make_call",
            "POST",
            "/integration/call",
            headers={"Idempotency-Key": idempotency_key},
            body=body,
            media_type=JSON,
        )
        return answer

    def read_call_state(self, correlation_id: str) -> Record:
        """How a call stands; `Prefer: wait=<seconds>` waits up to 30 s for its end."""
        answer: Record = self._ask("read_call_state", "GET", "/transactions/{}/", correlation_id)
        return answer

    def read_whole_answer(self, correlation_id: str) -> Any:
        """The whole answer of an asynchronous call, as its mediator gave it."""
        answer: Any = self._ask(
            "read_whole_answer", "GET", "/transactions/{}/response/", correlation_id
        )
        return answer
