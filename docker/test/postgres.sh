# The part of the official image's entry point that compose.yaml relies on.
set -eu
data=/var/lib/postgresql/data
if [ ! -s "$data/PG_VERSION" ]; then
    printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
    initdb --pgdata="$data" --username="$POSTGRES_USER" --pwfile=/tmp/password --auth=scram-sha-256 > /dev/null
    rm /tmp/password
    echo "host all all all scram-sha-256" >> "$data/pg_hba.conf"
    pg_ctl --pgdata="$data" --silent --wait --options="-c listen_addresses=''" start
    PGPASSWORD=$POSTGRES_PASSWORD createdb --username="$POSTGRES_USER" --host=/var/run/postgresql "$POSTGRES_DB" 2> /dev/null || true
    pg_ctl --pgdata="$data" --silent --wait stop
fi
exec postgres -D "$data" -c listen_addresses='*'
