#!/bin/sh
# Eight minutes with a card, where one is at hand for no longer. Everything is built beforehand, maybe on another machine; what
# matters most comes first, what does not fit is left out and told, and the page to send back is there at any moment.
# Usage: tests/cuda/session.sh pack [CUDA_ARCHS]         builds for that card ("90", the default) and packs what the program
#                                                        needs, also libraries that another machine may lack, into
#                                                        build/session.tar.gz, which goes there with the files of git;
#                                                        CUDA_ARCHS "built": what is built already
#        tests/cuda/session.sh run [SECONDS [DEVICE]]    (480, cuda) from the root of such a tree, or of the one it is built in;
#                                                        PARTS="ops ...": of tests/cuda/device.lua
set -eu
build=${BUILD:-build}
packed=$build/session.tar.gz

# Not the C library and the driver, which belong to the machine.
libraries_of() {
   ldd "$1" | awk '$3 ~ /^\// { print $3 }' |
      grep -vE '/(libc|libm|libdl|libpthread|librt|libresolv|libutil|ld-linux[^/]*|libcuda|libcudart|libcublas[^/]*|libcudnn[^/]*|libdnnl)\.so'
}

pack() {
   if [ "$1" != built ]; then make -j"$(nproc)" CUDA=yes CUDA_ARCHS="$1" BUILD="$build" all; fi
   rm -rf "$build/session"
   mkdir -p "$build/session"
   for library in $(libraries_of "$build/scute"); do cp -L "$library" "$build/session/"; done
   for module in cjson.so lfs.so argparse.lua; do # of Lua
      for place in /usr/lib/*/lua/5.4 /usr/share/lua/5.4 /usr/local/lib/lua/5.4 /usr/local/share/lua/5.4; do
         if [ -e "$place/$module" ]; then cp -L "$place/$module" "$build/session/"; fi
      done
   done
   tar -czf "$packed" "$build/session" "$build/scute" "$build/scute_cuda.so" "$build/gencode" deps/onednn/lib
   du -h "$packed"
}

# Where Python's packages have CUDA's libraries, as PyTorch brings them, for a machine where the loader finds none.
folders_of_python() {
   if ldd "$build/scute_cuda.so" | grep -q 'not found'; then
      "${PYTHON:-python3}" -c 'import glob, sys
print(":".join(sorted({lib for path in sys.path for lib in glob.glob(path + "/nvidia/*/lib")})))' || :
   fi
}

seconds_left() {
   left=$((end - $(date +%s)))
   echo $((left < 1 ? 1 : left))
}

run() {
   end=$(($(date +%s) + $1))
   device=$2
   if [ ! -e "$build/scute" ] || [ -n "$(find "$packed" -newer "$build/scute")" ]; then tar -xzf "$packed"; fi
   python=$(folders_of_python)
   LD_LIBRARY_PATH=${LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}${python:+$python:}$PWD/$build/session
   LUA_CPATH="$PWD/$build/session/?.so;;" LUA_PATH="$PWD/$build/session/?.lua;;"
   export LD_LIBRARY_PATH LUA_CPATH LUA_PATH
   failed=0
   page=${SCUTE_PLUGINS:-$build}/gpu_report
   rm -rf "$page"
   # Two thirds for what is right, the rest for how fast it is.
   # shellcheck disable=SC2086 # words
   LIMIT=$(($1 * 2 / 3)) "$build/scute" tests/cuda/device.lua "$device" ${PARTS:-ops recorded models exercises} || failed=1
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
