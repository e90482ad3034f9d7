"""Values of enums that pages show: what the catalogues have of them."""

from common.texts import N_

WORDS = (
    N_("activation of policy"),
    N_("active"),
    N_("control number assigned"),
    N_("control number error bulk payment"),
    N_("control number error single payment"),
    N_("control number failed"),
    N_("ended"),
    N_("expiration of policy"),
    N_("expired"),
    N_("idle"),
    N_("need for renewal"),
    N_("new"),
    N_("not matched"),
    N_("paid"),
    N_("paid and activated"),
    N_("paid and not activated"),
    N_("paid and not matched"),
    N_("ready"),
    N_("reminder after expiration"),
    N_("renewal of policy"),
    N_("renewed"),
    N_("requested"),
    N_("running"),
    N_("started"),
    N_("starting of policy"),
    N_("suspended"),
)
