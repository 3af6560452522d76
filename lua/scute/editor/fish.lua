-- Completion of scute's command line in fish.
local scripts = require "scute.editor.scripts"

local HEAD = [=[
# fish completion of scute: made by `make` from what scute and its scripts declare (lua/scute/editor/fish.lua).

# The flags that a script of one's own declares, a line each: name, what may follow it, what it is, with tabs between them.
# Nothing of it happens for that (lua/scute/editor/declared.lua); what was found for a file is kept until it changes.
function __scute_declared -a script
    grep -qs 'cli\.parse' $script; or return
    set -l stamp $script (stat -c %Y $script)
    if test "$stamp" != "$__scute_stamp"
        set -l words (commandline -opc)
        set -g __scute_stamp $stamp
        set -g __scute_lines (SCRIPT=$script timeout 2 $words[1] -e \
            'io.write(require("scute.editor.declared").text(os.getenv "SCRIPT"))' 2>/dev/null)
    end
    printf '%s\n' $__scute_lines
end

function __scute_own_values
    for word in (string split ' ' -- $argv)
        switch $word
            case @files
                __fish_complete_path (commandline -ct)
            case @folders
                __fish_complete_directories (commandline -ct)
            case '@*'
            case '*'
                echo $word
        end
    end
end

# What may follow the last word there, for a script of one's own: values of that option, else its options.
function __scute_own
    set -l words (commandline -opc)
    for line in $__scute_lines
        set -l parts (string split \t -- $line)
        if test "$parts[1]" = "$words[-1]"; and test "$parts[2]" != @flag
            __scute_own_values $parts[2]
            return
        end
    end
    for line in $__scute_lines
        set -l parts (string split \t -- $line)
        if test "$parts[1]" = @words
            __scute_own_values $parts[2]
        else
            printf '%s\t%s\n' $parts[1] $parts[3]
        end
    end
end

# The script on the command line: its name where it is one of scute's, else `own` where it declares flags of its own, `common`
# where it takes their common options, and `other`; nothing where there is none yet.
function __scute_script
    set -l words (commandline -opc)
    set -e words[1]
    while set -q words[1]
        switch $words[1]
            case @TAKING@
                set -e words[1]
            case '-?*'
            case '*'
                set -l name (string replace -r '.*/' '' -- $words[1])
                if contains -- $name @NAMES@
                    echo $name
                else if test -n "$(__scute_declared $words[1])"
                    echo own
                else if grep -qsE 'cli\.(common|flags)' $words[1]
                    echo common
                else
                    echo other
                end
                return
        end
        set -e words[1]
    end
end

function __scute_runs
    contains -- (__scute_script) $argv
end

function __scute_no_script
    test -z (__scute_script)
end

complete -c scute -n __scute_no_script -a "(__fish_complete_suffix .lua)"
complete -c scute -n __scute_no_script -a "@FILES@"
complete -c scute -n '__scute_runs own' -f -a '(__scute_own)'
]=]

local function quoted(text)
   return "'" .. text:gsub("[\\']", "\\%0"):gsub("\n", " ") .. "'"
end

-- The switches of `complete` that say what follows an option.
local function value_switches(values)
   local words = #values.words > 0 and (" -a %s"):format(quoted(table.concat(values.words, " "))) or ""
   if values.folders then return " -x -a '(__fish_complete_directories)'" end
   return (values.files and " -r -F" or " -x") .. words
end

local function add_script(lines, name, flags)
   local lists
   for _, entry in ipairs(flags) do
      local values = scripts.values_of(entry)
      if entry.argument then
         lists = lists or values.files
      else
         lines[#lines + 1] = ("complete -c scute -n '__scute_runs %s' -l %s%s -d %s"):format(name, entry[1],
            entry.flag and "" or value_switches(values), quoted(entry.help))
      end
   end
   if #flags == 0 then return end
   lines[#lines + 1] = ("complete -c scute -n '__scute_runs %s' -s h -l help -d 'explain the options'"):format(name)
   if not lists then lines[#lines + 1] = ("complete -c scute -n '__scute_runs %s' -f"):format(name) end
end

local function own_line(option)
   local switches = {}
   for _, name in ipairs(option.names) do
      switches[#switches + 1] = name:find "^%-%-" and "-l " .. name:sub(3) or "-s " .. name:sub(2)
   end
   local value = option.value and value_switches { words = {}, files = option.value == "FILE", folders = option.value == "DIR" }
   return ("complete -c scute -n __scute_no_script %s%s -d %s"):format(table.concat(switches, " "), value or "",
      quoted(option.text))
end

--- The text of the completion; line: what scute.editor.command_line returns.
return function(line)
   local names, files, taking, lines = {}, {}, {}, {}
   for i, script in ipairs(line.scripts) do names[i], files[i] = script.name, "scripts/" .. script.name end
   for _, name in ipairs(line.examples) do files[#files + 1] = "examples/" .. name end
   for _, option in ipairs(line.program.options) do
      if option.value then table.move(option.names, 1, #option.names, #taking + 1, taking) end
      lines[#lines + 1] = own_line(option)
   end
   add_script(lines, "common", line.common)
   for _, script in ipairs(line.scripts) do add_script(lines, script.name, script.flags) end
   local parts = { NAMES = table.concat(names, " "), FILES = table.concat(files, " "), TAKING = table.concat(taking, " ") }
   return HEAD:gsub("@(%u+)@", parts) .. table.concat(lines, "\n") .. "\n"
end
