-- Long texts on a terminal: a screen at a time, by the program that PAGER names, else less or more.
local console = require "scute.base.console"
local scute = require "scute"

local pager = {}

-- `$PAGER` is a command of the shell; an empty one means none. LESS: leave at once what fits, keep colours and the screen.
-- With `trap`, a shell that waits for a pipeline outlives Ctrl-C.
local COMMAND = [[trap : INT
LESS=${LESS-FRX}; export LESS
if [ -n "${PAGER-}" ]; then eval "exec $PAGER"; fi
if [ -n "${PAGER-unset}" ] && command -v less >/dev/null; then exec less; fi
if [ -n "${PAGER-unset}" ] && command -v more >/dev/null; then exec more; fi
exit 127]]

local function quote(s)
   return "'" .. s:gsub("'", "'\\''") .. "'"
end

local function lines_of(text, columns)
   local n = 0
   for line in (text .. "\n"):gmatch "(.-)\n" do n = n + math.max(1, ((utf8.len(line) or #line) + columns - 1) // columns) end
   return n
end

local function is_dumb()
   local term = os.getenv "TERM"
   return not term or term == "" or term == "dumb"
end

-- Shows a text by a program; false where that could not be started. A shell's command waits without Ctrl-C ending this
-- process, and the program has the terminal to itself.
local function page(text)
   local path = os.tmpname()
   local file = io.open(path, "w")
   if not file then return false end
   file:write(text, "\n")
   file:close()
   io.stdout:flush()
   local _, how, code = os.execute(("exec sh -c %s <%s"):format(quote(COMMAND), quote(path)))
   os.remove(path)
   return not (how == "exit" and (code == 126 or code == 127))
end

--- Prints a text; where it is longer than the terminal that it goes to, page by page.
function pager.show(text)
   local columns, rows = scute.terminal_size()
   text = console.visible(text)
   local long = console.is_terminal(0) and console.is_terminal(1) and not is_dumb() and lines_of(text, columns) >= rows
   if not long or not page(text) then print(text) end
end

return pager
