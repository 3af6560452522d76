#!/bin/sh
# Runs one suite, tells how it went, and leaves "PASSED FAILED" in COUNTS/NAME. A suite that crashes, times out or counts
# nothing counts as failed. Usage: tools/suite.sh LOGS COUNTS NAME COMMAND...
set -u
logs=$1
counts=$2
name=$3
shift 3
log=$logs/$name.log

# "PASSED FAILED" of a log: the last line "N passed, N failed", or the groups that cmocka reports.
count() {
   awk '/^[0-9]+ passed, [0-9]+ failed/ { p = $1; f = $3; said = 1 }
        /^\[  PASSED  \] [0-9]+ test/   { cp += $4; cmocka = 1 }
        /^\[  FAILED  \] [0-9]+ test/   { cf += $4; cmocka = 1 }
        END { if (said) print p, f; else if (cmocka) print cp + 0, cf + 0; else print 0, 0 }' "$log"
}

tell() {
   if [ "$failed" != 0 ]; then
      echo "---- $name (exit code $status), from $log:"
      tail -n 200 "$log"
      echo "----"
   fi
   printf '%-24s %5d passed, %d failed  (%d s)\n' "$name" "$passed" "$failed" $(($(date +%s) - start))
}

start=$(date +%s)
# A shell has what it starts in the background ignore Ctrl-C and Ctrl-\, which tests press.
timeout -k 10 "${SUITE_TIMEOUT:-2400}" env --default-signal=INT,QUIT "$@" >"$log" 2>&1 </dev/null &
running=$!
# It has a process group of its own, which Ctrl-C does not reach.
trap 'kill "$running"; exit 130' INT TERM HUP
wait "$running"
status=$?
trap - INT TERM HUP
# shellcheck disable=SC2046 # two words
set -- $(count)
passed=$1
failed=$2
if [ "$failed" = 0 ] && { [ $status != 0 ] || [ "$passed" = 0 ]; }; then failed=1; fi
tell | flock "$logs" cat # in one piece, whoever else is telling
echo "$passed $failed" >"$counts/$name"
