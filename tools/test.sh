#!/bin/sh
# Runs every suite and counts: the C tests, each tests/*/run.lua, and lint. The last line is "N passed, N failed" over all.
# As many run at once as there are processors (TEST_JOBS=1: one after the other), the long ones first and in shares.
# Usage: tools/test.sh BUILD [SUITE...]      lua: all of that suite; lua-2: one share
set -u
build=$1
shift
asked=" $* "
logs=$build/logs
mkdir -p "$logs"
counts=$(mktemp -d "$logs/counts.XXXXXX") || exit 1 # of this run alone
trap 'rm -rf "$counts"' EXIT
trap 'exit 130' INT HUP
PYTHONPATH=$PWD/deps/python${PYTHONPATH:+:$PYTHONPATH} # the readers of safetensors, see tools/deps.sh
export PYTHONPATH
# What the program sets for itself when it starts, at the price of a second start; C tests have nobody else to say it.
export GOMP_SPINCOUNT="${GOMP_SPINCOUNT-1000}"

wanted() { # is SUITE, or a SHARE of it, among the ones asked for?
   case $asked in "  " | *" $1 "* | *" ${2:-$1} "*) return 0 ;; *) return 1 ;; esac
}

shares() { # SUITE N: it is run in N parts; each is told which of how many it is
   share=1
   while [ $share -le "$2" ]; do
      if wanted "$1" "$1-$share"; then echo "$1-$share $build/scute tests/$1/run.lua $share/$2"; fi
      share=$((share + 1))
   done
}

suites() { # a line for each: NAME COMMAND...
   if wanted world; then echo "world $build/scute tests/world/run.lua"; fi # waits more than it computes
   shares cuda 4
   shares lua 4
   for script in tests/*/run.lua; do
      name=$(basename "$(dirname "$script")")
      case $name in bench | soak | cuda | lua | world) continue ;; esac
      fill=
      # All bits set is a NaN: what an op reads of memory that nobody has written to shows.
      case $name in ops) fill="env SCUTE_MEMORY_FILL=255 " ;; esac
      if wanted "$name"; then echo "$name $fill$build/scute $script"; fi
   done
   # Kernels that are written for each kind of processor, as lesser ones than this get them.
   for kind in AVX2 SSE41; do
      if wanted narrow "narrow-$kind"; then
         echo "narrow-$kind env ONEDNN_MAX_CPU_ISA=$kind $build/scute tests/ops/run.lua conv2d conv_bn_act layer_norm"
      fi
   done
   if wanted lint; then echo "lint tools/lint.sh"; fi
   for source in tests/c/test_*.c; do
      name=$(basename "$source" .c)
      if wanted "$name"; then echo "$name $build/tests/$name"; fi
   done
}

# All that the suites have left; one that left nothing was ended from outside. Words that name no suite count as failed ones.
count() { # WORD...
   total_passed=0
   total_failed=0
   for word; do
      if [ -z "$(asked=" $word " && suites)" ]; then
         echo "no suite '$word'"
         total_failed=$((total_failed + 1))
      fi
   done
   while read -r name _; do
      passed=0
      failed=1
      if [ -e "$counts/$name" ]; then read -r passed failed <"$counts/$name"; else echo "$name did not end"; fi
      total_passed=$((total_passed + passed))
      total_failed=$((total_failed + failed))
   done
   echo "$total_passed passed, $total_failed failed"
   [ "$total_failed" = 0 ] && [ "$total_passed" != 0 ]
}

suites | xargs -r -L 1 -P "${TEST_JOBS:-$(nproc 2>/dev/null || echo 2)}" tools/suite.sh "$logs" "$counts"
suites | count "$@"
