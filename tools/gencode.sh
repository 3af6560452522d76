#!/bin/sh
# What nvcc is told to build for, as its -gencode arguments. Usage: tools/gencode.sh NVCC ["75 80 ..." | all | tests | ""]
# "" is the cards of this machine, as nvidia-smi names them, else one of each generation; "all" is for packages; "tests" is ""
# where there is a card, else the oldest, which lacks the most, and a common one: enough to tell what nvcc refuses. What the toolkit
# does not know gives way to what it knows of the same kind; where that is nothing, as for a card that is too old, nothing is built.
# The last one's PTX serves cards that come later.
set -eu
nvcc=$1
wanted=$(echo "${2:-}" | sed 's/sm_//g; s/\.//g; s/,/ /g')

numbers_of() { # those that a list of nvcc's has after that word
   "$nvcc" "--list-gpu-$1" | sed -n "s/^$2_\([0-9]*\)\$/\1/p"
}

cards() {
   command -v nvidia-smi >/dev/null || return 0
   timeout 20 nvidia-smi --query-gpu=compute_cap --format=csv,noheader 2>/dev/null | sed -n 's/^ *\([0-9]*\)\.\([0-9]\) *$/\1\2/p'
}

# For each wanted one the newest that is known and not newer: its code serves the same generation, its PTX later ones.
usable() {
   for arch in $1; do echo "$known" | awk -v arch="$arch" '$1 <= arch { best = $1 } END { print best }'; done | grep . | sort -nu
}

targets=$(numbers_of code sm)
known=$(numbers_of arch compute | while read -r arch; do
   if echo "$targets" | grep -qx "$arch"; then echo "$arch"; fi
done | sort -nu)
[ -n "$known" ] || { echo "error: $nvcc does not say what it builds for (--list-gpu-code)" >&2; exit 1; }

mark=
case $wanted in
   tests) wanted=$(cards | sort -nu | tr '\n' ' '); [ -n "$wanted" ] || { wanted="75 90"; mark=-DSC_FOR_TESTS; } ;;
   all) wanted="75 80 86 89 90 100 120" ;;
   "") wanted=$(cards | sort -nu | tr '\n' ' '); [ -n "$wanted" ] || wanted="75 80 90 100 120" ;;
   *[!0-9\ ]*) echo "error: CUDA_ARCHS=\"$2\": expected all, or numbers as in \"80 90\"" >&2; exit 1 ;;
esac
list=$(usable "$wanted")
[ -n "$list" ] ||
   { echo "error: $nvcc builds for $(echo "$known" | tr '\n' ' ')and not for $wanted (CUDA_ARCHS says otherwise)" >&2; exit 1; }

for arch in $list; do echo "-gencode arch=compute_$arch,code=sm_$arch"; done
echo "-gencode arch=compute_$arch,code=compute_$arch"
if [ -n "$mark" ]; then echo "$mark"; fi
