#!/usr/bin/env bash
# Prints "passed failed" of a test log, or nothing when it has no result line that we know.
# Formats: our own "N passed, N failed"; TAP (busted -o TAP); cmocka.
set -u
log="$1"
line=$(grep -aE '^[0-9]+ passed, [0-9]+ failed' "$log" | tail -n 1)
if [ -n "$line" ]; then
  printf '%s\n' "$line" | sed -E 's/^([0-9]+) passed, ([0-9]+) failed.*/\1 \2/'
elif grep -qaE '^1\.\.[0-9]+' "$log"; then
  planned=$(grep -aE '^1\.\.[0-9]+' "$log" | tail -n 1 | sed 's/^1\.\.//')
  skipped=$(grep -acE '^ok [0-9]+ .*# SKIP' "$log")
  good=$(($(grep -acE '^ok [0-9]+' "$log") - skipped))
  # A test that the plan names but that never reported has failed.
  echo "$good $((planned - good - skipped))"
elif grep -qa '^\[==========\]' "$log"; then
  good=$(grep -acE '^\[       OK \]' "$log")
  bad=$(grep -acE '^\[  FAILED  \] [a-zA-Z_0-9]+$' "$log")
  grep -qaE '^\[  (PASSED|FAILED)  \] [0-9]+ test' "$log" || bad=$((bad + 1))
  echo "$good $bad"
fi
