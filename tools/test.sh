#!/bin/sh
# Runs every suite and counts: the C tests, each tests/*/run.lua, and lint. The last line is "N passed, N failed" over all.
# A suite that crashes, times out or counts nothing counts as failed. Usage: tools/test.sh BUILD [SUITE...]
set -u
build=$1
shift
logs=$build/logs
mkdir -p "$logs"
PYTHONPATH=$PWD/deps/python${PYTHONPATH:+:$PYTHONPATH} # the readers of safetensors, see tools/deps.sh
export PYTHONPATH
total_passed=0
total_failed=0

# "PASSED FAILED" of a log: the last line "N passed, N failed", or the groups that cmocka reports.
count() {
   awk '/^[0-9]+ passed, [0-9]+ failed/ { p = $1; f = $3; said = 1 }
        /^\[  PASSED  \] [0-9]+ test/   { cp += $4; cmocka = 1 }
        /^\[  FAILED  \] [0-9]+ test/   { cf += $4; cmocka = 1 }
        END { if (said) print p, f; else if (cmocka) print cp + 0, cf + 0; else print 0, 0 }' "$1"
}

suite() { # NAME COMMAND...
   name=$1
   shift
   log=$logs/$(echo "$name" | tr / _).log
   start=$(date +%s)
   timeout -k 10 "${SUITE_TIMEOUT:-2400}" "$@" >"$log" 2>&1 </dev/null
   status=$?
   # shellcheck disable=SC2046 # two words
   set -- $(count "$log")
   passed=$1
   failed=$2
   if [ "$failed" = 0 ] && { [ $status != 0 ] || [ "$passed" = 0 ]; }; then failed=1; fi
   if [ "$failed" != 0 ]; then
      echo "---- $name (exit code $status), from $log:"
      tail -n 200 "$log"
      echo "----"
   fi
   printf '%-24s %5d passed, %d failed  (%d s)\n' "$name" "$passed" "$failed" $(($(date +%s) - start))
   total_passed=$((total_passed + passed))
   total_failed=$((total_failed + failed))
}

wanted() { # is SUITE among the ones asked for?
   [ -z "$suites" ] && return 0
   case " $suites " in *" $1 "*) return 0 ;; *) return 1 ;; esac
}

suites=$*
for source in tests/c/test_*.c; do
   [ -e "$source" ] || continue
   name=$(basename "$source" .c)
   if wanted "$name"; then suite "$name" "$build/tests/$name"; fi
done
for script in tests/*/run.lua; do
   name=$(basename "$(dirname "$script")")
   case $name in bench | soak) continue ;; esac
   if wanted "$name"; then suite "$name" "$build/scute" "$script"; fi
done
if wanted lint; then suite lint tools/lint.sh; fi

echo "$total_passed passed, $total_failed failed"
[ "$total_failed" = 0 ] && [ "$total_passed" != 0 ]
