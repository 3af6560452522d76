#!/bin/sh
# Eight minutes with a card, where one is at hand for no longer. Everything is built beforehand, maybe on another machine; what
# matters most comes first, what does not fit is left out and told, and the page to send back is there at any moment.
# Usage: tests/cuda/session.sh pack [CUDA_ARCHS]         builds for that card ("90", the default) and puts what the program
#                                                        needs into build/session, for a machine without these packages
#        tests/cuda/session.sh run [SECONDS [DEVICE]]    (480, cuda) from the root of the same tree, build and deps included
set -eu
build=${BUILD:-build}

# The libraries of the system that a machine may lack; not the C library and the driver, which belong to the machine.
pack() {
   make CUDA=yes CUDA_ARCHS="$1" BUILD="$build" all
   mkdir -p "$build/session"
   ldd "$build/scute" | awk '$3 ~ /^\// { print $3 }' |
      grep -vE '/(libc|libm|libdl|libpthread|librt|ld-linux[^/]*|libcuda|libdnnl)\.so' |
      while read -r library; do cp -L "$library" "$build/session/"; done
   for module in cjson.so lfs.so argparse.lua; do # of Lua
      for place in /usr/lib/*/lua/5.4 /usr/share/lua/5.4 /usr/local/lib/lua/5.4 /usr/local/share/lua/5.4; do
         if [ -e "$place/$module" ]; then cp -L "$place/$module" "$build/session/"; fi
      done
   done
   du -sh "$build/session" "$build/scute" "$build/scute_cuda.so"
}

seconds_left() {
   left=$((end - $(date +%s)))
   echo $((left < 1 ? 1 : left))
}

run() {
   end=$(($(date +%s) + $1))
   device=$2
   LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}$PWD/$build/session
   LUA_CPATH="$PWD/$build/session/?.so;;" LUA_PATH="$PWD/$build/session/?.lua;;"
   export LD_LIBRARY_PATH LUA_CPATH LUA_PATH
   failed=0
   page=${SCUTE_PLUGINS:-$build}/gpu_report
   rm -rf "$page"
   # Two thirds for what is right, the rest for how fast it is.
   LIMIT=$(($1 * 2 / 3)) "$build/scute" tests/cuda/device.lua "$device" ops recorded models exercises || failed=1
   MODELS=${MODELS:-resnet50,mobilenet_v2,efficientnet_b0} ROUNDS=1 \
      timeout -k 5 "$(seconds_left)" "$build/scute" tests/bench/run.lua "${PYTHON:-}" "$device" || failed=1
   if [ -n "${OUT:-}" ]; then cp "$page.txt" "$OUT/"; fi
   cat "$page.txt"
   return $failed
}

case ${1:-} in
   pack) pack "${2:-90}" ;;
   run) run "${2:-480}" "${3:-cuda}" ;;
   *) sed -n '2,/^set/s/^# //p' "$0" >&2; exit 2 ;;
esac
