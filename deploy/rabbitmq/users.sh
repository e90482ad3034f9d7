#!/bin/sh
# A broker user per service: it declares, writes and reads its own queues, and those that it sends events to.
#
# Run where rabbitmqctl speaks to the broker; it may be repeated. A service whose password is not given is left as it is.
# RabbitMQ lets whoever declares a queue with dead letters read it, so a sender of events could read what it sent; and
# whoever writes to the exchange that has no name may write to any queue. Nobody reads the queues of others.
#
#   RABBITMQ_VHOST=/ PROXY_RABBITMQ_PASSWORD=… ESB_RELAY_RABBITMQ_PASSWORD=… NOTIFICATION_RABBITMQ_PASSWORD=… \
#     POLICY_NOTIFY_RABBITMQ_PASSWORD=… sh deploy/rabbitmq/users.sh
#
# ESB_RELAY_TARGETS: queues that callback routes lead to, as an expression. USER_PREFIX (kiungo_) begins the users' names.
set -eu
CTL="${RABBITMQCTL:-rabbitmqctl} -q"

own_queues() {  # user, password, queues
    test -n "$2" || return 0
    user="${USER_PREFIX:-kiungo_}$1"
    # The password goes in by standard input: no list of processes shows it.
    if $CTL list_users --no-table-headers | cut -f1 | grep -qx "$user"; then
        printf '%s\n' "$2" | $CTL change_password "$user" > /dev/null
    else
        printf '%s\n' "$2" | $CTL add_user "$user" > /dev/null
    fi
    $CTL set_permissions -p "${RABBITMQ_VHOST:-/}" "$user" "^($3)\$" "^($3|amq\\.default)\$" "^($3)\$"
}

own_queues proxy "${PROXY_RABBITMQ_PASSWORD:-}" 'proxy\..*'
own_queues esb_relay "${ESB_RELAY_RABBITMQ_PASSWORD:-}" "esb_relay\\..*|${ESB_RELAY_TARGETS:-policy-notify\\.events(\\.dead)?}"
own_queues notification "${NOTIFICATION_RABBITMQ_PASSWORD:-}" 'notification\..*'
own_queues policy_notify "${POLICY_NOTIFY_RABBITMQ_PASSWORD:-}" 'policy-notify\..*|notification\.emit(\.dead)?'
