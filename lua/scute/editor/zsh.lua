-- Completion of scute's command line in zsh.
local options = require "scute.base.options"
local scripts = require "scute.editor.scripts"

local TEMPLATE = [=[
#compdef scute
# zsh completion of scute: made by `make` from what scute and its scripts declare (lua/scute/editor/zsh.lua).

_scute_words_or_files() {
  compadd -- "$@"
  _files
}

# The flags that a script of one's own declares: nothing of it happens for that (lua/scute/editor/declared.lua). $1 is scute.
_scute_declared() {
  grep -qs 'cli\.parse' $2 || return
  SCRIPT=$2 timeout 2 $~1 -e 'io.write(require("scute.editor.declared").text(os.getenv "SCRIPT"))' 2>/dev/null
}

_scute_own_arguments() {
  local each name values help action
  local -a specifications
  for each in "$@"; do
    name=${each%%$'\t'*} values=${${each#*$'\t'}%%$'\t'*} help=${${each##*$'\t'}//[\[\]:\\]/ }
    case $values in
    (@folders) action='_files -/' ;;
    (*@files) action="_scute_words_or_files ${values%@files}" ;;
    (@none) action=' ' ;;
    (*) action="($values)" ;;
    esac
    case $name:$values in
    (@words:*) specifications+=("*:word:$action") ;;
    (*:@flag) specifications+=("$name""[$help]") ;;
    (*) specifications+=("$name=[$help]:value:$action") ;;
    esac
  done
  _arguments -S $specifications
}

_scute_script_arguments() {
  local name=${line[1]:t}
  local -a own
  case $name in
  (@NAMES@) ;;
  (*) own=("${(@f)$(_scute_declared $program $~line[1])}")
    if [[ -n $own[1] ]]; then _scute_own_arguments $own; return; fi
    if grep -qsE 'cli\.(common|flags)' $~line[1]; then name=common; else _files; return; fi ;;
  esac
  case $name in
@SCRIPTS@
  esac
}

_scute_scripts() {
  _files -g '*.lua(-.)' && return
  compadd -- @FILES@
}

_scute() {
  local curcontext=$curcontext state line program=$words[1]
  typeset -A opt_args
  _arguments -C -S -A '-*' \
@OWN@
    '1:script:_scute_scripts' \
    '*:: :->arguments' && return
  [[ $state == arguments ]] && _scute_script_arguments
}

_scute "$@"
]=]

-- A text within [] or between : of a specification, in single quotes.
local function quoted(text)
   return (text:gsub("[%[%]:\\]", "\\%0"):gsub("'", "'\\''"):gsub("\n", " "))
end

local function action_of(entry)
   local values = scripts.values_of(entry)
   local words = table.concat(values.words, " ")
   if values.folders then return "_files -/" end
   if values.files then return words == "" and "_files" or " _scute_words_or_files " .. words end
   return words == "" and " " or ("(%s)"):format(words)
end

local function specification(entry)
   local help, name = quoted(entry.help), quoted(options.value_name(entry))
   if entry.argument then return ("'%s:%s:%s'"):format(entry.many and "*" or "", name, action_of(entry)) end
   if entry.flag then return ("'--%s[%s]'"):format(entry[1], help) end
   return ("'%s--%s=[%s]:%s:%s'"):format(entry.many and "*" or "", entry[1], help, name, action_of(entry))
end

local function script_case(name, flags)
   local lines = { "_arguments -S" }
   for _, entry in ipairs(flags) do lines[#lines + 1] = specification(entry) end
   lines[#lines + 1] = "'(- *)'{-h,--help}'[explain the options]'"
   return ("  (%s) %s ;;"):format(name, #flags > 0 and table.concat(lines, " \\\n    ") or ":")
end

local function own_specification(option)
   local value = ""
   if option.value then
      local action = option.value == "DIR" and "_files -/" or option.value == "FILE" and "_files" or " "
      value = (":%s:%s"):format(quoted(option.value), action)
   end
   local names = #option.names > 1 and ("{%s}"):format(table.concat(option.names, ",")) or option.names[1]
   local repeated = option.text:find "repeated" and "'*'" or ""
   return ("    %s%s'[%s]%s' \\"):format(repeated, names, quoted(option.text), value)
end

--- The text of the completion; line: what scute.editor.command_line returns.
return function(line)
   local names, cases, own, files = {}, { script_case("common", line.common) }, {}, {}
   for i, script in ipairs(line.scripts) do
      names[i], cases[#cases + 1] = script.name, script_case(script.name, script.flags)
      files[i] = "scripts/" .. script.name
   end
   for _, name in ipairs(line.examples) do files[#files + 1] = "examples/" .. name end
   for i, option in ipairs(line.program.options) do own[i] = own_specification(option) end
   local parts = { NAMES = table.concat(names, "|"), SCRIPTS = table.concat(cases, "\n"), OWN = table.concat(own, "\n"),
      FILES = table.concat(files, " ") }
   return (TEMPLATE:gsub("@(%u+)@", parts))
end
