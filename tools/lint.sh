#!/bin/sh
# luacheck, shellcheck (where installed) and clang-format over all sources; prints what is wrong, then the count.
# Compiler warnings are errors in the build itself.
set -u
passed=0
failed=0

check() { # NAME COMMAND...
   name=$1
   shift
   if output=$("$@" 2>&1); then
      passed=$((passed + 1))
   else
      failed=$((failed + 1))
      printf '%s\n%s\n' "$name:" "$output"
   fi
}

c_files() {
   git ls-files '*.c' '*.h' 'kernels/*.cpp' 2>/dev/null || find host kernels tests \( -name '*.c' -o -name '*.h' -o -name '*.cpp' \)
}

no_file_over_500_lines() {
   c_files | xargs wc -l | awk '$2 != "total" && $1 > 500 { print $2 ": " $1 " lines, more than 500"; bad = 1 } END { exit bad }'
}

core_free_of_lua() {
   ! grep -nE '#include *[<"](lua|lauxlib|lualib)' host/[!b]*/* kernels/*/* 2>/dev/null
}

check luacheck luacheck --quiet --no-color lua scripts examples tests
check "length of files" no_file_over_500_lines
check "Lua outside host/bind" core_free_of_lua
if command -v shellcheck >/dev/null; then check shellcheck shellcheck tools/*.sh tests/cuda/session.sh .ci/run; fi

format() {
   # shellcheck disable=SC2016 # sh expands it
   bad=$(c_files | xargs -n 1 -P 2 sh -c 'clang-format --dry-run -Werror "$0" 2>/dev/null || echo "$0"' | sort)
   [ -z "$bad" ] || { printf 'run clang-format -i on these:\n%s\n' "$bad"; return 1; }
}

# Other versions of clang-format break lines elsewhere, so only the one that formatted the sources can judge them.
if clang-format --version 2>/dev/null | grep -q 'version 14\.'; then
   check clang-format format
else
   echo "clang-format 14 is not here: format not checked"
fi

echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
