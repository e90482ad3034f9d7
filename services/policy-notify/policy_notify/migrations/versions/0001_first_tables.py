"""First tables

Revision: 0001, after
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "consumed_events",
        sa.Column("event_id", sa.String(length=64), nullable=False),
        sa.Column("consumed_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_consumed_events")),
    )
    with op.batch_alter_table("consumed_events", schema=None) as batch_op:
        batch_op.create_index(
            batch_op.f("ix_consumed_events_consumed_at"), ["consumed_at"], unique=False
        )

    op.create_table(
        "families",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("location", sa.Uuid(), nullable=True),
        sa.Column("head", sa.Uuid(), nullable=True),
        sa.Column("validity_to", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_families")),
    )
    with op.batch_alter_table("families", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_families_head"), ["head"], unique=False)
        batch_op.create_index(batch_op.f("ix_families_location"), ["location"], unique=False)

    op.create_table(
        "insurees",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("chf_id", sa.String(length=50), nullable=False),
        sa.Column("last_name", sa.String(length=100), nullable=False),
        sa.Column("other_names", sa.String(length=100), nullable=False),
        sa.Column("phone", sa.String(length=50), nullable=True),
        sa.Column("family", sa.Uuid(), nullable=True),
        sa.Column("validity_to", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_insurees")),
    )
    with op.batch_alter_table("insurees", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_insurees_chf_id"), ["chf_id"], unique=False)
        batch_op.create_index(batch_op.f("ix_insurees_family"), ["family"], unique=False)

    op.create_table(
        "locations",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("level", sa.String(length=32), nullable=False),
        sa.Column("parent", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_locations")),
    )
    with op.batch_alter_table("locations", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_locations_parent"), ["parent"], unique=False)

    op.create_table(
        "officers",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("last_name", sa.String(length=100), nullable=False),
        sa.Column("other_names", sa.String(length=100), nullable=False),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_officers")),
    )
    op.create_table(
        "policies",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("family", sa.Uuid(), nullable=False),
        sa.Column("product", sa.Uuid(), nullable=False),
        sa.Column("officer", sa.Uuid(), nullable=True),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("stage", sa.String(length=32), nullable=False),
        sa.Column("enroll_date", sa.Date(), nullable=True),
        sa.Column("start_date", sa.Date(), nullable=False),
        sa.Column("effective_date", sa.Date(), nullable=True),
        sa.Column("expiry_date", sa.Date(), nullable=True),
        sa.Column("amount_to_be_paid", sa.String(length=24), nullable=True),
        sa.Column("validity_from", sa.DateTime(timezone=True), nullable=True),
        sa.Column("validity_to", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_policies")),
    )
    with op.batch_alter_table("policies", schema=None) as batch_op:
        batch_op.create_index(
            "ix_policies_effective_date_uuid", ["effective_date", "uuid"], unique=False
        )
        batch_op.create_index("ix_policies_expiry_date_uuid", ["expiry_date", "uuid"], unique=False)
        batch_op.create_index(batch_op.f("ix_policies_family"), ["family"], unique=False)
        batch_op.create_index(batch_op.f("ix_policies_officer"), ["officer"], unique=False)

    op.create_table(
        "product_successions",
        sa.Column("product", sa.Uuid(), nullable=False),
        sa.Column("successor", sa.Uuid(), nullable=False),
        sa.PrimaryKeyConstraint("product", "successor", name=op.f("pk_product_successions")),
    )
    op.create_table(
        "products",
        sa.Column("uuid", sa.Uuid(), nullable=False),
        sa.Column("code", sa.String(length=32), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("conversion_product", sa.Uuid(), nullable=True),
        sa.PrimaryKeyConstraint("uuid", name=op.f("pk_products")),
    )
    op.create_table(
        "run_lease",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("token", sa.Uuid(), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_lease")),
    )
    op.create_table(
        "runs",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("slot", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_date", sa.Date(), nullable=False),
        sa.Column("requested_by", sa.String(length=255), nullable=False),
        sa.Column("status", sa.String(length=32), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("continuations", sa.Integer(), nullable=False),
        sa.Column("summary", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_runs")),
        sa.UniqueConstraint("slot", name=op.f("uq_runs_slot")),
    )
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_runs_status"), ["status"], unique=False)

    op.create_table(
        "tblFamilySMS",
        sa.Column("FamilyUUID", sa.Uuid(), nullable=False),
        sa.Column("ApprovalOfSMS", sa.Boolean(), nullable=False),
        sa.Column("LanguageOfSMS", sa.String(length=16), nullable=False),
        sa.Column("ValidityFrom", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ValidityTo", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("FamilyUUID", name=op.f("pk_tblFamilySMS")),
    )
    op.create_table(
        "tblIndicationOfPolicyNotifications",
        sa.Column("PolicyUUID", sa.Uuid(), nullable=False),
        sa.Column("ActivationOfPolicy", sa.DateTime(timezone=True), nullable=True),
        sa.Column("StartingOfPolicy", sa.DateTime(timezone=True), nullable=True),
        sa.Column("NeedForRenewal", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ExpirationOfPolicy", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ReminderAfterExpiration", sa.DateTime(timezone=True), nullable=True),
        sa.Column("RenewalOfPolicy", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("PolicyUUID", name=op.f("pk_tblIndicationOfPolicyNotifications")),
    )
    op.create_table(
        "tblIndicationOfPolicyNotificationsDetails",
        sa.Column("DetailsID", sa.Uuid(), nullable=False),
        sa.Column("PolicyUUID", sa.Uuid(), nullable=False),
        sa.Column("NotificationType", sa.String(length=32), nullable=False),
        sa.Column("EventDate", sa.Date(), nullable=False),
        sa.Column("Attempt", sa.SmallInteger(), nullable=False),
        sa.Column("Status", sa.SmallInteger(), nullable=False),
        sa.Column("Details", sa.Text(), nullable=False),
        sa.Column("Delivery", sa.String(length=32), nullable=False),
        sa.Column("RunID", sa.Uuid(), nullable=False),
        sa.Column("CreatedAt", sa.DateTime(timezone=True), nullable=False),
        sa.Column("EndedAt", sa.DateTime(timezone=True), nullable=True),
        sa.Column("FamilyUUID", sa.Uuid(), nullable=False),
        sa.Column("Provider", sa.String(length=64), nullable=True),
        sa.Column("Recipient", sa.String(length=50), nullable=True),
        sa.Column("Language", sa.String(length=16), nullable=True),
        sa.Column("Message", sa.Text(), nullable=True),
        sa.Column("Variables", sa.JSON(none_as_null=True), nullable=True),
        sa.PrimaryKeyConstraint(
            "DetailsID", name=op.f("pk_tblIndicationOfPolicyNotificationsDetails")
        ),
        sa.UniqueConstraint(
            "PolicyUUID", "NotificationType", "EventDate", "Attempt", name="uq_details_attempt"
        ),
    )
    with op.batch_alter_table("tblIndicationOfPolicyNotificationsDetails", schema=None) as batch_op:
        batch_op.create_index(
            "ix_details_not_ended",
            ["DetailsID"],
            unique=False,
            sqlite_where=sa.text("\"Delivery\" <> 'ended'"),
            postgresql_where=sa.text("\"Delivery\" <> 'ended'"),
        )
        batch_op.create_index("ix_details_run", ["RunID"], unique=False)
        batch_op.create_index("ix_details_status", ["Status", "DetailsID"], unique=False)
        batch_op.create_index(
            "ix_details_with_message",
            ["CreatedAt"],
            unique=False,
            sqlite_where=sa.text('"Message" IS NOT NULL'),
            postgresql_where=sa.text('"Message" IS NOT NULL'),
        )

    # The one row that whoever runs holds.
    op.execute("INSERT INTO run_lease (id) VALUES (1)")


def downgrade() -> None:
    with op.batch_alter_table("tblIndicationOfPolicyNotificationsDetails", schema=None) as batch_op:
        batch_op.drop_index(
            "ix_details_with_message",
            sqlite_where=sa.text('"Message" IS NOT NULL'),
            postgresql_where=sa.text('"Message" IS NOT NULL'),
        )
        batch_op.drop_index("ix_details_status")
        batch_op.drop_index("ix_details_run")
        batch_op.drop_index(
            "ix_details_not_ended",
            sqlite_where=sa.text("\"Delivery\" <> 'ended'"),
            postgresql_where=sa.text("\"Delivery\" <> 'ended'"),
        )

    op.drop_table("tblIndicationOfPolicyNotificationsDetails")
    op.drop_table("tblIndicationOfPolicyNotifications")
    op.drop_table("tblFamilySMS")
    with op.batch_alter_table("runs", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_runs_status"))

    op.drop_table("runs")
    op.drop_table("run_lease")
    op.drop_table("products")
    op.drop_table("product_successions")
    with op.batch_alter_table("policies", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_policies_officer"))
        batch_op.drop_index(batch_op.f("ix_policies_family"))
        batch_op.drop_index("ix_policies_expiry_date_uuid")
        batch_op.drop_index("ix_policies_effective_date_uuid")

    op.drop_table("policies")
    op.drop_table("officers")
    with op.batch_alter_table("locations", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_locations_parent"))

    op.drop_table("locations")
    with op.batch_alter_table("insurees", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_insurees_family"))
        batch_op.drop_index(batch_op.f("ix_insurees_chf_id"))

    op.drop_table("insurees")
    with op.batch_alter_table("families", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_families_location"))
        batch_op.drop_index(batch_op.f("ix_families_head"))

    op.drop_table("families")
    with op.batch_alter_table("consumed_events", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_consumed_events_consumed_at"))

    op.drop_table("consumed_events")
