#!/bin/sh
# What of nginx's configuration depends on the installation: TLS, and whom a client's address is taken from.
# Writes $KIUNGO_RUN_DIR/edge-http.conf, edge-server.conf and masked-paths.conf, which nginx.conf includes. `make up` runs it before
# nginx starts; in compose.yaml the nginx image does (a file in /docker-entrypoint.d/).
#
#   KIUNGO_LISTEN              address and port of HTTP; with TLS it only leads to HTTPS
#   KIUNGO_TLS_CERT, KIUNGO_TLS_KEY
#                              PEM files; both or none. Read again when they change
#   KIUNGO_TLS_LISTEN          address and port of HTTPS (default 8443)
#   KIUNGO_TLS_PORT            the port that clients use for HTTPS (default: the one listened on)
#   KIUNGO_TLS_CLIENT_CA       PEM file: who signs certificates of clients; empty: none are asked for
#   KIUNGO_TRUSTED_BALANCERS   networks of balancers before nginx, separated by commas or blanks: X-Forwarded-For
#                              and X-Forwarded-Proto count from there, and from nowhere else
#   KIUNGO_OPENHIM_LISTEN      address and port where /api/openhim/ is the root, over TLS only; empty: nowhere
#   KIUNGO_OPENHIM_TLS_CERT, KIUNGO_OPENHIM_TLS_KEY
#                              PEM files for it; without them those of KIUNGO_TLS_CERT and KIUNGO_TLS_KEY
#   KIUNGO_CONSOLE_HOST        a host of the console's own, such as console.hub.example.org: the console is there and
#                              nowhere else, so that nothing that a mediator answers is of the console's origin. Channels
#                              are called there by scripts alone (the tester's). Empty: the console is at every host
#   KIUNGO_CONNECTIONS_PER_ADDRESS
#                              requests at a time from one address (default 4096)
#   OTEL_EXPORTER_OTLP_ENDPOINT
#                              where the services export traces to; empty: nowhere. Services are then told when a
#                              request was passed on to them, for they make nginx's span of it
#   KIUNGO_MASKED_PATHS        paths like /patients/*, separated by commas: what stands at a * is in no
#                              access log, and not in the proxy's record (the longest that matches counts)
set -eu

listen=${KIUNGO_LISTEN:?}
folder=${KIUNGO_RUN_DIR:?}
certificate=${KIUNGO_TLS_CERT:-}
key=${KIUNGO_TLS_KEY:-}
tls_listen=${KIUNGO_TLS_LISTEN:-8443}
tls_port=${KIUNGO_TLS_PORT:-${tls_listen##*:}}
client_ca=${KIUNGO_TLS_CLIENT_CA:-}
openhim_listen=${KIUNGO_OPENHIM_LISTEN:-}
openhim_port=${openhim_listen##*:}
openhim_certificate=${KIUNGO_OPENHIM_TLS_CERT:-$certificate}
openhim_key=${KIUNGO_OPENHIM_TLS_KEY:-$key}
console_host=${KIUNGO_CONSOLE_HOST:-}
balancers=$(echo "${KIUNGO_TRUSTED_BALANCERS:-}" | tr ',' ' ')

fail() {
    echo "Kiungo's nginx cannot start: $1" >&2
    exit 1
}

[ -n "$certificate" ] || [ -z "$key" ] || fail 'KIUNGO_TLS_KEY is set, KIUNGO_TLS_CERT is not'
[ -n "$key" ] || [ -z "$certificate" ] || fail 'KIUNGO_TLS_CERT is set, KIUNGO_TLS_KEY is not'
[ -z "$openhim_listen" ] || { [ -n "$openhim_certificate" ] && [ -n "$openhim_key" ]; } \
    || fail 'KIUNGO_OPENHIM_LISTEN needs KIUNGO_OPENHIM_TLS_CERT and KIUNGO_OPENHIM_TLS_KEY'
case $console_host in
    *[!a-z0-9.-]*) fail 'KIUNGO_CONSOLE_HOST is no host name in small letters' ;;
esac
case $(echo "${KIUNGO_MASKED_PATHS:-}" | tr -d ', ') in
    *[!A-Za-z0-9._~*/-]*) fail 'KIUNGO_MASKED_PATHS is no list of paths like /patients/*' ;;
esac
for file in "$certificate" "$key" "$client_ca" "$openhim_certificate" "$openhim_key"; do
    [ -z "$file" ] || [ -r "$file" ] || fail "the file $file cannot be read"
done
[ -n "$certificate" ] || [ -z "$client_ca" ] || fail 'KIUNGO_TLS_CLIENT_CA needs KIUNGO_TLS_CERT'

{
    echo "limit_conn_zone \$binary_remote_addr zone=addresses:8m;"
    echo "limit_conn addresses ${KIUNGO_CONNECTIONS_PER_ADDRESS:-4096};"
    echo "geo \$realip_remote_addr \$is_balancer {"
    echo "    default 0;"
    for network in $balancers; do echo "    $network 1;"; done
    echo "}"
    echo "map \$host \$request_start {"
    [ -z "${OTEL_EXPORTER_OTLP_ENDPOINT:-}" ] || printf '    volatile;\n    default "t=$msec";\n'
    echo "}"
    for network in $balancers; do echo "set_real_ip_from $network;"; done
    [ -z "$balancers" ] || printf 'real_ip_header X-Forwarded-For;\nreal_ip_recursive on;\n'
    # At OpenHIM's own port every path is one of /api/openhim/, but for what nginx asks and says itself
    # (which is judged anew: volatile).
    echo "map \"\$server_port:\$uri\" \$is_openhims {"
    printf '    volatile;\n    default 0;\n'
    [ -z "$openhim_listen" ] || echo "    \"~^$openhim_port:/(?!api/openhim/|\.kiungo/)\" 1;"
    echo "}"
    echo "map \"\$host \$http_sec_fetch_dest \$uri\" \$is_misplaced {"
    printf '    volatile;\n    default 0;\n    "~^[^ ]+ [^ ]* /\\.kiungo/" 0;\n'
    if [ -n "$console_host" ]; then
        host=$(echo "$console_host" | sed 's/\./\\./g')
        echo "    \"~^$host empty /\" 0;"
        echo "    \"~^$host [^ ]* /(?:\$|(?:admin|api/docs|health|tester|favicon\\.ico)(?:/|\$))\" 0;"
        echo "    \"~^$host \" 1;"
        echo "    \"~^[^ ]+ [^ ]* /(?:admin|tester)(?:/|\$)\" 1;"
    fi
    echo "}"
    if [ -n "$certificate$openhim_listen" ]; then
        cat <<EOF
ssl_protocols TLSv1.2 TLSv1.3;
ssl_session_cache shared:tls:8m;
ssl_session_timeout 1h;
ssl_session_tickets off;
# Named by variables, the files are read at a handshake; what was read is used for ten seconds.
ssl_certificate_cache max=4 valid=10s;
map \$server_port \$tls_certificate {
    default "${certificate:-$openhim_certificate}";
    "${openhim_port:-none}" "${openhim_certificate:-$certificate}";
}
map \$server_port \$tls_key {
    default "${key:-$openhim_key}";
    "${openhim_port:-none}" "${openhim_key:-$key}";
}
EOF
    fi
    if [ -n "$certificate" ]; then
        cat <<EOF
# What is not from a balancer that ended TLS itself is led to HTTPS.
server {
    listen $listen default_server;
    location / { return 308 https://\$redirect_host\$request_uri; }
}
map \$host \$redirect_host {
    default \$host$([ "$tls_port" = 443 ] || echo ":$tls_port");
}
EOF
    fi
} > "$folder/edge-http.conf"

{
    if [ -n "$certificate$openhim_listen" ]; then
        printf 'ssl_certificate "$tls_certificate";\nssl_certificate_key "$tls_key";\n'
    fi
    [ -z "$openhim_listen" ] || echo "listen $openhim_listen ssl;"
    if [ -n "$certificate" ]; then
        cat <<EOF
listen $tls_listen ssl default_server;
# A request in clear on the port of TLS.
error_page 497 =308 https://\$redirect_host\$request_uri;
EOF
        [ -z "$client_ca" ] || printf 'ssl_client_certificate "%s";\nssl_verify_client optional;\nssl_verify_depth 4;\n' "$client_ca"
    else
        echo "listen $listen default_server;"
    fi
} > "$folder/edge-server.conf"

# Paths of ours that name a person, or bear a link's token.
own_masked='/api/notification/inbox/*, /api/notification/preferences/*/*, /api/notification/unsubscribe/*'
# The same expressions as proxy.record.masks makes: paths that begin so, however they are percent-encoded. What
# follows is masked as well.
echo "$own_masked, ${KIUNGO_MASKED_PATHS:-}" | tr ', ' '\n\n' | awk '/^\// { print gsub("/", "/"), $0 }' | sort -s -k1,1nr | awk '
    BEGIN { for (n = 33; n < 127; n++) code[sprintf("%c", n)] = sprintf("%02x", n) }
    {
        begin = "(?:/|%2[fF])+"; shown = "/"
        for (n = 2; n <= length($2); n++) {
            letter = substr($2, n, 1); shown = shown (letter == "*" ? "***" : letter)
            if (letter == "*") begin = begin "(?:(?!%2[fF])[^/])+"
            else if (letter == "/") begin = begin "(?:/|%2[fF])"
            else begin = begin "(?:[" letter "]|(?i:%" code[letter] "))"
        }
        printf "\"~^%s(?<rest_%d>/?)$\" \"%s$rest_%d\";\n", begin, NR, shown, NR
        printf "\"~^%s(?:/|%%2[fF])\" \"%s/***\";\n", begin, shown
    }' > "$folder/masked-paths.conf"
