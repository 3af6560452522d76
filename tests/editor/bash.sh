# Prints what bash would offer after a line, one a line: bash tests/editor/bash.sh COMPLETION 'scute scripts/pre'
# shellcheck disable=SC1090 # the completion is an argument
source "$1"
# As readline cuts it: at blanks, and "=" is a word of its own.
line=${2//=/ = }
read -ra COMP_WORDS <<<"$line"
[[ $line == *' ' ]] && COMP_WORDS+=('')
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
COMPREPLY=()
_scute
printf '%s\n' "${COMPREPLY[@]}"
