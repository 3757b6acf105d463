#!/usr/bin/env bash
# Asks the package manager for what is missing, and only for that.
#   rocks/install-dependencies.sh run     what the product needs to build and run
#   rocks/install-dependencies.sh test    that and what its tests need
# Without root or without a network it prints the one command to run and exits 2.
set -euo pipefail

run="gcc cmake ninja-build pkg-config lua5.4 liblua5.4-dev libcurl4-openssl-dev libssl-dev uuid-dev libjansson-dev
  libutf8proc-dev libsqlite3-dev libpq-dev libpg-query-dev libprotobuf-c-dev libmicrohttpd-dev
  lua-cjson lua-argparse lua-filesystem"
test="g++ git lua-busted lua-check libcmocka-dev clang libclang-rt-14-dev clang-tidy clang-format
  valgrind luarocks sqlite3 postgresql-15 openssl lua-socket"

case "${1:-run}" in
  run) wanted="$run" ;;
  test) wanted="$run $test" ;;
  *) echo "usage: $0 run|test" >&2; exit 2 ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
  echo "This script knows Debian's packages. On another system install what these names stand for:" >&2
  echo "  $(echo $wanted)" >&2
  exit 2
fi

missing=""
for package in $wanted; do
  dpkg-query -W -f '${Status}' "$package" 2>/dev/null | grep -q '^install ok installed' || missing="$missing $package"
done
[ -z "$missing" ] && exit 0

command="apt-get install -y --no-install-recommends$missing"
refuse() {
  echo "$1 Run this as root, then start again:" >&2
  echo "  apt-get update && $command" >&2
  exit 2
}
[ "$(id -u)" = 0 ] || refuse "These packages are missing:$missing."
echo "Installing:$missing"
export DEBIAN_FRONTEND=noninteractive
# The lists may be there already; only if the install fails are they fetched again.
log=$(mktemp)
trap 'rm -f "$log"' EXIT
$command >"$log" 2>&1 || { apt-get update >"$log" 2>&1 && $command >"$log" 2>&1; } || {
  tail -n 5 "$log" >&2
  refuse "The package manager could not install them (no network?)."
}
