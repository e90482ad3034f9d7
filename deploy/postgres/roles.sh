#!/bin/sh
# A database role per service: each owns its schema, and none reads another's.
#
# PostgreSQL's image runs this once, when it makes the database. For a database of one's own, or one that is there already,
# run it by hand as its administrator, with psql's variables (PGHOST …) and the passwords; it may be repeated:
#
#   POSTGRES_DB=kiungo POSTGRES_USER=postgres PROXY_POSTGRES_PASSWORD=… ESB_RELAY_POSTGRES_PASSWORD=… \
#     NOTIFICATION_POSTGRES_PASSWORD=… POLICY_NOTIFY_POSTGRES_PASSWORD=… sh deploy/postgres/roles.sh
#
# A service whose password is not given is left as it is. ROLE_PREFIX (kiungo_) begins the roles' names.
set -eu

own_schema() {  # schema, password
    test -n "$2" || return 0
    # psql reads the password from its environment: no list of processes shows it.
    ROLE_PASSWORD="$2" psql -v ON_ERROR_STOP=1 -q -U "$POSTGRES_USER" -d "$POSTGRES_DB" \
        -v schema="$1" -v role="${ROLE_PREFIX:-kiungo_}$1" <<'SQL'
\getenv password ROLE_PASSWORD
SET client_min_messages = warning;
SET log_statement = 'none';
SELECT format('CREATE ROLE %I LOGIN', :'role')
 WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'role') \gexec
ALTER ROLE :"role" WITH LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE PASSWORD :'password';
-- Only the roles below may connect, and they make nothing outside their own schemas.
SELECT format('REVOKE ALL ON DATABASE %I FROM PUBLIC', current_database()) \gexec
SELECT format('GRANT CONNECT ON DATABASE %I TO %I', current_database(), :'role') \gexec
REVOKE ALL ON SCHEMA public FROM PUBLIC;
SELECT format('CREATE SCHEMA %I', :'schema')
 WHERE NOT EXISTS (SELECT FROM pg_namespace WHERE nspname = :'schema') \gexec
ALTER SCHEMA :"schema" OWNER TO :"role";
REVOKE ALL ON SCHEMA :"schema" FROM PUBLIC;
-- What the shared user made before there were roles.
SELECT format('ALTER TABLE %s OWNER TO %I', oid::regclass, :'role') FROM pg_class
 WHERE relnamespace = (SELECT oid FROM pg_namespace WHERE nspname = :'schema') AND relkind IN ('r', 'p', 'v') \gexec
SELECT format('ALTER FUNCTION %s OWNER TO %I', oid::regprocedure, :'role') FROM pg_proc
 WHERE pronamespace = (SELECT oid FROM pg_namespace WHERE nspname = :'schema') \gexec
SQL
}

own_schema proxy "${PROXY_POSTGRES_PASSWORD:-}"
own_schema esb_relay "${ESB_RELAY_POSTGRES_PASSWORD:-}"
own_schema notification "${NOTIFICATION_POSTGRES_PASSWORD:-}"
own_schema policy_notify "${POLICY_NOTIFY_POSTGRES_PASSWORD:-}"
