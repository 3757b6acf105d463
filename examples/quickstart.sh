#!/usr/bin/env bash
# The main job from end to end, on real input: installs what is missing, builds, and takes three tables
# (examples/account_asset) from their declaration in Lua to rows read back through a governed operation,
# against the embedded TS Manager in a folder of its own. Run twice it does the same again.
#   examples/quickstart.sh [FOLDER]     default: build/quickstart; the folder is emptied first
set -euo pipefail
cd "$(dirname "$0")/.."
source=$PWD
work=${1:-build/quickstart}

if [ -e "$work" ] && [ ! -e "$work/.quickstart" ]; then
  echo "$work is there already and is no folder of this script: name another one." >&2
  exit 2
fi
bash rocks/install-dependencies.sh run || exit 2

now() { date +%s%N; }
times=""
began=0
title=""
finish_step() {
  [ -z "$title" ] || times="$times$(printf '%8d ms  %s' $((($(now) - began) / 1000000)) "$title")"$'\n'
}
step() {
  finish_step
  title="$1"
  began=$(now)
  printf '\n=== %s\n' "$title"
}
quietly() { # command…: its output only if it fails
  local log
  log=$(mktemp)
  "$@" >"$log" 2>&1 || { cat "$log" >&2; rm -f "$log"; return 1; }
  rm -f "$log"
}

step "build"
rm -rf "$work"
mkdir -p "$work"
touch "$work/.quickstart"
work=$(cd "$work" && pwd)
quietly cmake -S . -B build/product -G Ninja -DMSEQ_TESTS=OFF
quietly ninja -C build/product
quietly cmake --install build/product --prefix "$work/installed"
echo "installed in $work/installed"

# The installed product, the application's folder, and a TS Manager of its own; nothing of the user's.
export PATH="$work/installed/bin:$PATH"
libraries=$(dirname "$(dirname "$(find "$work/installed" -name core.so)")")
export LUA_PATH="$work/installed/share/lua/5.4/?.lua;$work/installed/share/lua/5.4/?/init.lua;$work/application/?.lua;$work/application/?/init.lua;;"
export LUA_CPATH="$libraries/?.so;;"
export MAINSEQUENCE_HOME="$work/home"
unset MAINSEQUENCE_ENDPOINT MAINSEQUENCE_ACCESS_TOKEN MAINSEQUENCE_REFRESH_TOKEN MAINSEQUENCE_AUTH_MODE MAIN_SEQUENCE_PROJECT_UID
cp -r examples/account_asset "$work/application"
cd "$work/application"
provider="sdk_examples.migrations:migration"
versions="sdk_examples/migrations/versions/sdk_examples"

step "where it talks to"
mainsequence --version --verbose
mainsequence meta-table list

step "schema_table_name"
lua5.4 names.lua

step "contracts"
mainsequence contract sdk_examples/models.lua --json

step "fingerprints"
mainsequence fingerprint sdk_examples/models.lua

step "first revision, generated from the models"
mainsequence migrations revision --provider "$provider" -m "account asset holdings"
cat "$versions"/0001_*.lua

step "mainsequence migrations upgrade --provider $provider head"
mainsequence migrations upgrade --provider "$provider" head

step "catalog"
mainsequence meta-table list

step "rows through governed operations"
lua5.4 trade.lua

step "second revision: a column more in the models"
sed -i '/^Asset.symbol/a Asset.venue = types.String { length = 16 }' sdk_examples/models.lua
mainsequence migrations revision --provider "$provider" -m "asset venue"
cat "$versions"/0002_*.lua
mainsequence migrations upgrade --provider "$provider" head

step "drift"
mainsequence drift --provider "$provider"

step "downgrade to base"
mainsequence migrations downgrade --provider "$provider" base
mainsequence meta-table list

finish_step
printf '\n=== time\n%s' "$times"
cd "$source"
echo "Done. Everything is in $work; delete it when you like."
