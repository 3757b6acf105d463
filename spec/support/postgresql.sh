#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# A private PostgreSQL server for tests.
#
#   postgresql.sh start DIR [PID]   starts one, prints its superuser URI and leaves it in DIR/uri; with PID it is
#                                   stopped when that process has ended, however it ends
#   postgresql.sh stop DIR          stops it and removes its files and DIR
#
# It listens on a free port of 127.0.0.1, wants scram-sha-256 and doesn't wait for the disk. What an earlier server
# left in DIR is stopped and removed. As root the server runs as user postgres.
set -uo pipefail

fail() { echo "postgresql.sh: $*" >&2; exit 1; }

find_binaries() {
  if [ -n "${MSEQ_POSTGRESQL_BIN:-}" ]; then echo "$MSEQ_POSTGRESQL_BIN"; return; fi
  local folder
  for folder in $(ls -d /usr/lib/postgresql/*/bin 2>/dev/null | sort -t/ -k5 -rn); do
    [ -x "$folder/initdb" ] && { echo "$folder"; return; }
  done
  folder=$(command -v initdb) && dirname "$(readlink -f "$folder")"
}

as_server() { # runs a command as the user who owns the server
  if [ "$(id -u)" = 0 ]; then (cd / && runuser -u postgres -- "$@"); else "$@"; fi
}

random_port() { # one in use makes the start fail, which is tried again
  echo $((20000 + ((RANDOM << 15 | RANDOM) % 40000)))
}

stop() {
  local folder=$1 server
  [ -f "$folder/server" ] || return 0
  server=$(cat "$folder/server")
  case "$server" in /*/mseq-postgresql.*) ;; *) fail "$folder/server names no folder of ours: $server" ;; esac
  if [ -f "$server/data/postmaster.pid" ]; then
    as_server "$binaries/pg_ctl" -D "$server/data" -m immediate -w -t 20 stop >/dev/null 2>&1
  fi
  rm -rf "$server"
  rm -f "$folder/server" "$folder/uri" "$folder/initdb.log"
  rmdir "$folder" 2>/dev/null
  return 0
}

start_once() { # prints nothing; status 0 when the server answers
  local server=$1 port=$2
  as_server "$binaries/pg_ctl" -D "$server/data" -l "$server/log" -w -t 60 -o "-p $port" start >/dev/null 2>&1 </dev/null
}

start() {
  local folder=$1 server password port attempt
  stop "$folder"
  mkdir -p "$folder" || fail "cannot make $folder"
  server=$(as_server mktemp -d "${TMPDIR:-/tmp}/mseq-postgresql.XXXXXX") ||
    server=$(as_server mktemp -d /tmp/mseq-postgresql.XXXXXX) || fail "no temporary folder"
  echo "$server" >"$folder/server"
  password=$(od -An -N16 -tx1 /dev/urandom | tr -d ' \n')
  as_server sh -c "umask 077; printf '%s' '$password' >'$server/password'"
  as_server "$binaries/initdb" -D "$server/data" -U postgres -A scram-sha-256 --pwfile="$server/password" \
    -E UTF8 --locale=C.UTF-8 -N >"$folder/initdb.log" 2>&1 || { cat "$folder/initdb.log" >&2; stop "$folder"; fail "initdb failed"; }
  as_server sh -c "cat >>'$server/data/postgresql.conf'" <<C
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
fsync = off
synchronous_commit = off
full_page_writes = off
autovacuum = off
max_connections = 100
shared_buffers = 16MB
log_min_messages = warning
C
  for attempt in 1 2 3 4 5 6 7 8; do
    port=$(random_port)
    if start_once "$server" "$port"; then
      (umask 077; echo "postgresql://postgres:$password@127.0.0.1:$port/postgres" >"$folder/uri")
      [ -z "${2:-}" ] || (guard "$folder" "$2" </dev/null >/dev/null 2>&1 &)
      cat "$folder/uri"
      return
    fi
    as_server grep -q "Address already in use" "$server/log" || break
  done
  as_server cat "$server/log" >&2
  stop "$folder"
  fail "the server doesn't start"
}

guard() { # in the background
  trap '' INT HUP
  while kill -0 "$2" 2>/dev/null && [ -f "$1/server" ]; do sleep 1; done
  stop "$1"
}

binaries=$(find_binaries)
[ -n "$binaries" ] || fail "no PostgreSQL server programs found (Debian: apt-get install postgresql-15)"
[ $# -ge 2 ] || fail "usage: postgresql.sh start|stop DIR"
case "$1" in
  start) start "$2" "${3:-}" ;;
  stop) stop "$2" ;;
  *) fail "unknown command '$1'; there are start and stop" ;;
esac
