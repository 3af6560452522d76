-- Completion of scute's command line in bash.
local scripts = require "scute.editor.scripts"

local TEMPLATE = [=[
# bash completion of scute: made by `make` from what scute and its scripts declare (lua/scute/editor/bash.lua).

# The options of a script.
_scute_options() {
   case $1 in
   own) grep -o '^--[a-z0-9_]*' <<<"$_scute_own" ;;
@OPTIONS@
   esac
}

# What may follow a word: values of the option that it is, @files, @folders or @none; elsewhere files, where a script takes
# words without an option, and else its options.
_scute_values() {
   case $1:$2 in
   own:*) _scute_own_values "$2" ;;
@VALUES@
   @LISTS@:*) echo @files ;;
   *) _scute_options "$1" ;;
   esac
}

# Which script a file is: one of scute's, one that declares flags of its own (see _scute_declared), or one that takes the common
# options of scute's.
_scute_script() {
   case ${1##*/} in
   @SCRIPTS@) echo "${1##*/}" ;;
   *)
      if [[ -n $_scute_own ]]; then
         echo own
      elif grep -qsE 'cli\.(common|flags)' "${1/#~/$HOME}"; then
         echo common
      fi ;;
   esac
}

# The flags that a script declares, a line each: name, what may follow it, what it is, with tabs between them. Nothing of the
# script happens for that (lua/scute/editor/declared.lua); $1 is scute, $2 the script.
_scute_declared() {
   if grep -qs 'cli\.parse' "$2"; then
      SCRIPT=$2 timeout 2 "$1" -e 'io.write(require("scute.editor.declared").text(os.getenv "SCRIPT"))' 2>/dev/null
   fi
}

# What may follow a word in a script of one's own.
_scute_own_values() {
   local name values rest other=''
   while IFS=$'\t' read -r name values rest; do
      if [[ $name == "$1" && $values != @flag ]]; then echo "$values" && return; fi
      if [[ $name == @words ]]; then other=$values; fi
   done <<<"$_scute_own"
   echo "${other:-$(_scute_options own)}"
}

# Puts into COMPREPLY what of the given words, @files and @folders begins as the last part of $cur, between commas, does.
_scute_offer() {
   local last=${cur##*,} before='' word
   [[ $cur == *,* ]] && before=${cur%,*},
   for word in "$@"; do
      case $word in
      @none) ;;
      @files | @folders)
         compopt -o filenames 2>/dev/null
         local kind=-f line
         [[ $word == @folders ]] && kind=-d
         while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen $kind -- "$cur") ;;
      "$last"*) COMPREPLY+=("$before$word") ;;
      esac
   done
   [[ ${#COMPREPLY[@]} == 1 && ${COMPREPLY[0]} == *= ]] && compopt -o nospace 2>/dev/null
}

_scute() {
   local cur=${COMP_WORDS[COMP_CWORD]} previous=${COMP_WORDS[COMP_CWORD - 1]} script='' at
   COMPREPLY=()
   # --model=resnet50 comes as three words, and --data-dir is --data_dir.
   if [[ $cur == = ]]; then cur=''; elif [[ $previous == = ]]; then previous=${COMP_WORDS[COMP_CWORD - 2]}; fi
   [[ $previous == --* ]] && previous=--${previous:2} previous=${previous//-/_} previous=--${previous:2}
   for ((at = 1; at < COMP_CWORD; at++)); do
      case ${COMP_WORDS[at]} in
      @TAKING@) ((at++)) ;;
      -?*) ;;
      *) script=${COMP_WORDS[at]} && break ;;
      esac
   done
   if [[ -z $script ]]; then
      case $previous in
@OWN_VALUES@
      esac
      if [[ $cur == -* ]]; then
         _scute_offer @OWN@
      else
         _scute_offer @folders @OWN_FILES@
         local line
         while IFS= read -r line; do COMPREPLY+=("$line"); done < <(compgen -f -X '!*.lua' -- "$cur")
      fi
      return
   fi
   local _scute_own
   _scute_own=$(_scute_declared "${COMP_WORDS[0]/#~/$HOME}" "${script/#~/$HOME}")
   script=$(_scute_script "$script")
   # shellcheck disable=SC2046,SC2086 # lists of words
   if [[ $cur == --* ]]; then
      cur=--${cur:2} cur=${cur//-/_} cur=--${cur:2}
      _scute_offer $(_scute_options "$script")
   else
      _scute_offer $(_scute_values "$script" "$previous")
   fi
} && complete -F _scute scute
]=]

local function options_case(name, flags)
   local words = {}
   for _, entry in ipairs(flags) do
      if not entry.argument then words[#words + 1] = "--" .. entry[1] end
   end
   if #flags > 0 then words[#words + 1] = "--help" end
   return ("   %s) echo %s ;;"):format(name, table.concat(words, " "))
end

-- One line for each option that has a value.
local function values_cases(name, flags, lines)
   for _, entry in ipairs(flags) do
      if not entry.flag and not entry.argument then
         lines[#lines + 1] = ("   %s:--%s) echo %s ;;"):format(name, entry[1], scripts.words_of(entry))
      end
   end
end

local function own_values(option)
   if option.value == "DIR" then return "_scute_offer @folders; return" end
   if option.value == "FILE" then return "_scute_offer @files; return" end
   return "return"
end

-- The scripts that take words without an option, as a pattern of bash; a file that is none of scute's may be one.
local function lists_of(list)
   local names = { "''" }
   for _, script in ipairs(list) do
      for _, entry in ipairs(script.flags) do
         if entry.argument and scripts.values_of(entry).files then names[#names + 1] = script.name end
      end
   end
   return table.concat(names, ":* | ")
end

--- The text of the completion; line: what scute.editor.command_line returns.
return function(line)
   local options, values, names = { options_case("common", line.common) }, {}, {}
   values_cases("common", line.common, values)
   for i, script in ipairs(line.scripts) do
      names[i] = script.name
      options[#options + 1] = options_case(script.name, script.flags)
      values_cases(script.name, script.flags, values)
   end
   local own, taking, own_cases, files = {}, {}, {}, {}
   for _, option in ipairs(line.program.options) do
      table.move(option.names, 1, #option.names, #own + 1, own)
      if option.value then
         taking[#taking + 1] = table.concat(option.names, " | ")
         own_cases[#own_cases + 1] = ("      %s) %s ;;"):format(taking[#taking], own_values(option))
      end
   end
   for _, name in ipairs(names) do files[#files + 1] = "scripts/" .. name end
   for _, name in ipairs(line.examples) do files[#files + 1] = "examples/" .. name end
   local parts = { LISTS = lists_of(line.scripts), OPTIONS = table.concat(options, "\n"), VALUES = table.concat(values, "\n"),
      SCRIPTS = table.concat(names, " | "), OWN = table.concat(own, " "), TAKING = table.concat(taking, " | "),
      OWN_VALUES = table.concat(own_cases, "\n"), OWN_FILES = table.concat(files, " ") }
   return (TEMPLATE:gsub("@(%u[%u_]*)@", parts))
end
