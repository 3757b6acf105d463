#!/usr/bin/env bash
# Cold starts of the command, and their peak memory: `--version`, `--help`, and `migrations upgrade head` of
# examples/account_asset when nothing is to do, each RUNS times from this checkout.
#   spec/bench/start.sh [RUNS]     needs build/release (cmake -S . -B build/release -DCMAKE_BUILD_TYPE=Release); default 20
# Milliseconds of wall clock (least and median) and of CPU (median), kilobytes of memory (median).
set -euo pipefail
cd "$(dirname "$0")/../.."
source=$PWD
runs=${1:-20}
[ -f build/release/lua/mainsequence/core.so ] || { echo "build the release first: see the head of this file" >&2; exit 2; }
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -r examples/account_asset "$work/application"
cd "$work/application"
export LUA_PATH="$source/lua/?.lua;$source/lua/?/init.lua;./?.lua;./?/init.lua;;"
export LUA_CPATH="$source/build/release/lua/?.so;;" MAINSEQUENCE_HOME="$work/home" LC_ALL=C
unset MAINSEQUENCE_ENDPOINT MAINSEQUENCE_ACCESS_TOKEN MAINSEQUENCE_REFRESH_TOKEN MAINSEQUENCE_AUTH_MODE MAIN_SEQUENCE_PROJECT_UID

command=(lua5.4 "$source/rocks/bin/mainsequence")
provider=(--provider sdk_examples.migrations:migration)
quietly() { "$@" >"$work/log" 2>&1 || { cat "$work/log" >&2; return 1; }; }
quietly "${command[@]}" migrations revision "${provider[@]}" --autogenerate -m first
quietly "${command[@]}" migrations upgrade "${provider[@]}" head

column() { # file, column, line of 100 (1: the least)
  sort -n -k "$2,$2" "$1" | awk -v column="$2" -v at="$3" '{ all[NR] = $column } END { print all[int((NR * at + 99) / 100)] }'
}
measure() { # name, then arguments of the command
  local name=$1 run TIMEFORMAT='%3R %3U %3S'
  shift
  : >"$work/times" && : >"$work/peaks"
  for ((run = 0; run < runs; run++)); do
    { time quietly "${command[@]}" "$@"; } 2>>"$work/times"
    quietly /usr/bin/time -f %M -a -o "$work/peaks" "${command[@]}" "$@"
  done
  awk '{ print $1 * 1000, ($2 + $3) * 1000 }' "$work/times" >"$work/figures"
  printf '%-24s %5.0f ms least %5.0f ms median %5.0f ms CPU %7d KB\n' "$name" "$(column "$work/figures" 1 1)" \
    "$(column "$work/figures" 1 50)" "$(column "$work/figures" 2 50)" "$(column "$work/peaks" 1 50)"
}
measure "--version" --version
measure "--help" --help
measure "upgrade, nothing to do" migrations upgrade "${provider[@]}" head
