"""Values of enums that pages show: what the catalogues have of them."""

from common.texts import N_

WORDS = (
    N_("ascii"),
    N_("async"),
    N_("callback"),
    N_("canonical"),
    N_("delivered"),
    N_("done"),
    N_("failed"),
    N_("incoming"),
    N_("minified"),
    N_("nida"),
    N_("normal"),
    N_("not sent"),
    N_("outgoing"),
    N_("pending"),
    N_("push"),
    N_("queue"),
    N_("raw"),
    N_("refused"),
    N_("running"),
    N_("sending"),
    N_("succeeded"),
    N_("unknown"),
    N_("unverifiable"),
    N_("waiting"),
)
