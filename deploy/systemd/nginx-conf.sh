#!/bin/sh
# Writes nginx's whole configuration to $KIUNGO_RUN_DIR from the settings in /etc/kiungo/nginx.env.
set -eu
folder=${1:-/opt/kiungo/nginx}
sh "$folder/edge.sh"
names=$(env | sed -n 's/^\(KIUNGO_[A-Z_]*\)=.*/${\1}/p')
envsubst "$names" < "$folder/nginx.conf" > "$KIUNGO_RUN_DIR/nginx.conf"
