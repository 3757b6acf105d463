#!/usr/bin/env bash
# Installs what is missing, builds, and runs every test. The last line is "N passed, N failed".
#   spec/run.sh            everything
#   spec/run.sh quick      the plain build's tests only (no sanitizers, valgrind, linters, fuzzers)
set -uo pipefail
cd "$(dirname "$0")/.."
root=$PWD
mode="${1:-all}"

bash rocks/install-dependencies.sh test || exit 2

logs="$root/build/logs"
results="$logs/results" # a line for each check or suite: passed, failed, name
mkdir -p "$logs"
: >"$results"

say() { printf '%s\n' "$*"; }
count() { printf '%s\t%s\t%s\n' "$@" >>"$results"; } # passed failed name
# Runs a check or suite beside others, one a processor; `wait` ends the group.
beside() { # check|suite arguments…
  while [ "$(jobs -rp | wc -l)" -ge "$(nproc)" ]; do wait -n; done
  {
    told=$("$@")
    flock 9
    say "$told"
  } 9>"$logs/lock" &
}
# A check that passes or fails as a whole; its output is shown only when it fails.
check() { # name command…
  local name="$1" log start=$SECONDS
  shift
  log="$logs/$(printf '%s' "$name" | tr -c 'a-zA-Z0-9\n' '-').log"
  if "$@" >"$log" 2>&1 </dev/null; then
    say "ok    $name ($((SECONDS - start)) s)"
    count 1 0 "$name"
    return 0
  fi
  say "FAIL  $name"
  tail -n 60 "$log"
  count 0 1 "$name"
  return 1
}
# A runner whose log says how many tests passed and failed (spec/count.sh knows the formats).
suite() { # name command…
  local name="$1" log status numbers start=$SECONDS
  shift
  log="$logs/$(printf '%s' "$name" | tr -c 'a-zA-Z0-9\n' '-').log"
  "$@" >"$log" 2>&1 </dev/null
  status=$?
  numbers=$(bash spec/count.sh "$log")
  if [ -z "$numbers" ]; then
    say "FAIL  $name (exit $status, no result line)"
    tail -n 60 "$log"
    count 0 1 "$name"
    return 1
  fi
  local good=${numbers% *} bad=${numbers#* }
  # A runner that dies after its result line (a sanitizer at exit) has failed too.
  if [ "$status" -ne 0 ] && [ "$bad" -eq 0 ]; then bad=1; fi
  if [ "$bad" -gt 0 ]; then
    say "FAIL  $name: $good passed, $bad failed"
    tail -n 80 "$log"
  else
    say "ok    $name: $good passed ($((SECONDS - start)) s)"
    grep -a '# SKIP' "$log" | sed 's/^ok [0-9]* - # SKIP/skip /'
  fi
  count "$good" "$bad" "$name"
  [ "$bad" -eq 0 ]
}
build() { # directory cmake-arguments…
  local directory="$1"
  shift
  cmake -S . -B "$directory" -G Ninja -DMSEQ_WERROR=ON "$@" && ninja -C "$directory"
}
# These start a connection or a process for every allocation, run hundreds of statements or look at seconds; the sanitizers watch them.
too_slow_for_valgrind='^test_(postgresql_.*memory|postgresql_(credentials|least_privilege|manager|nesting|reset|sources|stress))$'
c_tests() { # label directory prefix…
  local label="$1" directory="$2" program name
  shift 2
  for program in "$directory"/spec/test_*; do
    [ -x "$program" ] && [ -f "$program" ] || continue
    name=$(basename "$program")
    [[ "$label" = valgrind && "$name" =~ $too_slow_for_valgrind ]] && continue
    beside suite "$label $name" "$@" "$program"
  done
  wait
}
finish() {
  wait
  awk -F '\t' '$2 > 0 { failures = failures "\n  " $3 } { passed += $1; failed += $2 }
    END { if (failed) print "\nFailed:" failures; printf "\n%d passed, %d failed\n", passed, failed; exit failed > 0 }' "$results"
  exit
}

export LUA_PATH="$root/lua/?.lua;$root/lua/?/init.lua;;"
export LUA_CPATH="$root/build/lua/?.so;;"
export MSEQ_BUILD="$root/build"
# Tests never touch the user's own folder.
export MAINSEQUENCE_HOME="$root/build/home"
unset MAINSEQUENCE_ENDPOINT MAINSEQUENCE_ACCESS_TOKEN MAINSEQUENCE_REFRESH_TOKEN MAIN_SEQUENCE_PROJECT_UID
unset MAINSEQUENCE_AUTH_MODE
# busted and luacheck start another Lua by default
busted() { lua5.4 /usr/bin/busted --lpath="" "$@"; }

check "build with gcc" build build -DCMAKE_C_COMPILER=gcc || finish
c_tests "gcc" build

beside suite "golden naming" lua5.4 spec/golden/run.lua naming spec/golden/naming.json
beside suite "golden contracts" lua5.4 spec/golden/run.lua contracts spec/golden/contracts.json
beside suite "golden ddl" lua5.4 spec/golden/run.lua ddl spec/golden/ddl/ddl.json
beside suite "golden ops" lua5.4 spec/golden/run.lua ops spec/golden/ddl/ops.json
beside suite "golden autogenerate" lua5.4 spec/golden/run.lua autogenerate spec/golden/ddl/autogenerate.json
beside suite "golden compiled_sql" lua5.4 spec/golden/run.lua compiled_sql spec/golden/compiled_sql/cases.json
beside suite "golden build_operation" lua5.4 spec/golden/run.lua build_operation spec/golden/compiled_sql/build_operation.json
beside suite "golden reflection (SQLite)" lua5.4 spec/golden/run.lua reflection spec/golden/ddl/reflection.json --dialect sqlite
for dialect in postgresql sqlite; do
  beside suite "golden governance ($dialect)" lua5.4 spec/golden/run.lua governance spec/golden/governance.json --dialect $dialect
done
beside suite "golden wire" lua5.4 spec/golden/run.lua wire spec/golden/wire/transcripts.json
beside suite "golden wire migrations" lua5.4 spec/golden/run.lua wire_migrations spec/golden/wire/migrations.json

for file in spec/lua/*_spec.lua spec/integration/*_spec.lua spec/interop/*_spec.lua; do
  [ -f "$file" ] || continue
  beside suite "$file" busted -o TAP "$file"
done
wait

if [ "$mode" = all ]; then
  check "rooms keep to ARCHITECTURE.md" lua5.4 spec/rooms.lua
  check "luacheck" lua5.1 /usr/bin/luacheck -q lua spec examples rocks --include-files "**/*.lua" "**/*.rockspec" "rocks/bin/*"
  check "clang-format" bash -c 'git ls-files "*.c" "*.h" | xargs clang-format --dry-run -Werror'
  if check "build with sanitizers" build build/sanitized -DCMAKE_C_COMPILER=gcc -DMSEQ_SANITIZE=ON; then
    export ASAN_OPTIONS="detect_leaks=1:abort_on_error=0" UBSAN_OPTIONS="print_stacktrace=1"
    c_tests "sanitized" build/sanitized
    # Lua itself is not instrumented, so its own memory is not a leak of ours.
    for file in spec/lua/*_spec.lua; do
      beside suite "sanitized $file" env LD_PRELOAD="$(gcc -print-file-name=libasan.so) $(gcc -print-file-name=libubsan.so)" \
        ASAN_OPTIONS=detect_leaks=0 LUA_CPATH="$root/build/sanitized/lua/?.so;;" MSEQ_BUILD="$root/build/sanitized" \
        lua5.4 /usr/bin/busted --lpath="" -o TAP "$file"
    done
    wait
  fi
  # Fair scheduling: else a thread that never sleeps keeps the others from running.
  c_tests "valgrind" build valgrind -q --fair-sched=yes --error-exitcode=99 --leak-check=full --errors-for-leak-kinds=definite --child-silent-after-fork=yes
  if check "build fuzzers with clang" build build/fuzz -DCMAKE_C_COMPILER=clang -DMSEQ_FUZZ=ON; then
    for program in build/fuzz/spec/fuzz_*; do
      [ -x "$program" ] && [ -f "$program" ] || continue
      name=$(basename "$program")
      mkdir -p "build/fuzz/corpus/$name"
      seeds="spec/fuzz/corpus/${name#fuzz_}"
      [ -d "$seeds" ] || seeds=""
      beside check "$name, 10 s" "$program" -max_total_time=10 -timeout=20 -rss_limit_mb=2048 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/" "build/fuzz/corpus/$name" $seeds
    done
    wait
  fi
  check "clang-tidy" bash -c 'git ls-files "core/*.c" | xargs -P 2 -n 1 clang-tidy -p build --quiet'
fi
finish
