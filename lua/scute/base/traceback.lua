-- What an error that nobody caught says, in scripts and at the prompt: its message with the position of the user's line, where
-- the library raised it on purpose (a bad argument), and the stack, in which frames of the library are folded. A fault in the
-- library keeps its position there, and all frames. SCUTE_TRACEBACK=1 shows everything as Lua does.
local frames = require "scute.base.frames"
local slips = require "scute.base.slips"
local unreadable = require "scute.base.unreadable"

local traceback = {}

local DEEPEST = 1000 -- frames that are looked at: a stack that overflowed has 200,000
local MOST_LINES = 12

local TITLE = "\nstack traceback:\n"
local POSITION = "^[^\n:]+:%d+: "
local LIBRARY_POSITION = "^[^\n:]*lua/scute/[^\n:]*:%d+: "

local NAMES = { global = "function", [""] = "function" } -- of what a function is called by

-- ---- the stack ----

local function kind_of(info)
   if info.what == "C" then return "C" end
   return frames.is_library(info) and "library" or "user"
end

-- The prompt ends what is of interest: its own chunk, and the code of the session.
local function is_session(info)
   return frames.is_library(info, "repl/")
end

--- The frames from a level on, innermost first: what debug.getinfo says, with kind = "user", "library" or "C". Those below the
-- chunk of a prompt are left out, and that one is its last with prompt = true.
function traceback.stack(level)
   local list = {}
   for at = level, level + DEEPEST do
      local info = debug.getinfo(at + 1, "Slnft")
      if not info or is_session(info) then break end
      info.kind = kind_of(info)
      info.prompt = info.what == "main" and info.source:find "^=input" ~= nil
      list[#list + 1] = info
      if info.prompt then break end
   end
   while #list > 0 and list[#list].kind == "C" do list[#list] = nil end
   return list
end

local function place(info)
   return ("%s:%d"):format(info.short_src, info.currentline)
end

local function describe_frame(info)
   local what
   if info.what == "main" then what = "main chunk"
   elseif info.name then what = ("%s '%s'"):format(NAMES[info.namewhat] or info.namewhat, info.name)
   elseif info.what == "C" then what = "a function of C"
   else what = ("function <%s:%d>"):format(info.short_src, info.linedefined) end
   return ("\t%s: in %s"):format(info.what == "C" and "[C]" or place(info), what)
end

-- What raises for who called it: error, assert, and what watches over the names of globals.
local function raises(info)
   local globals = debug.getmetatable(_G) or {}
   local f = info.func
   return f == error or f == assert or info.what == "C" and (f == globals.__index or f == globals.__newindex)
end

-- Where a run of frames that begins at `first` and is not the user's ends, and whether frames of the library are among them.
local function end_of_run(stack, first)
   local at, has_library = first, false
   while stack[at] and stack[at].kind ~= "user" do
      has_library = has_library or stack[at].kind == "library"
      at = at + 1
   end
   return at - 1, has_library
end

local function is_of_user(info)
   return info and info.kind == "user" and not info.prompt
end

local function all_lines(stack)
   local lines = {}
   for _, info in ipairs(stack) do lines[#lines + 1] = describe_frame(info) end
   return lines
end

local function folded_lines(stack)
   local lines, at = {}, 1
   while stack[at] do
      local last, has_library = end_of_run(stack, at)
      if has_library then
         local n = last - at + 1
         lines[#lines + 1] = ("\t... %d frame%s of scute"):format(n, n == 1 and "" or "s")
         at = last
      elseif not raises(stack[at]) and not stack[at].prompt then
         lines[#lines + 1] = describe_frame(stack[at])
      end
      local ended = stack[at].istailcall and is_of_user(stack[at + 1])
      if ended then lines[#lines + 1] = "\t(...tail calls...)" end
      at = at + 1
   end
   return lines
end

-- Of a long stack the beginning and the last line.
local function shortened(lines)
   if #lines <= MOST_LINES then return lines end
   local kept = table.move(lines, 1, MOST_LINES - 2, 1, {})
   if #lines > DEEPEST then
      kept[#kept + 1] = "\t... and so on"
   else
      kept[#kept + 1] = ("\t... %d more"):format(#lines - #kept - 1)
      kept[#kept + 1] = lines[#lines]
   end
   return kept
end

local function first_of(stack, wanted)
   for _, info in ipairs(stack) do
      if wanted(info) then return info end
   end
end

-- ---- whose fault it is ----

-- "plot.predictions" of a function of a family, else how it was called.
local function public_name(info)
   for name, family in next, package.loaded do
      name = type(name) == "string" and type(family) == "table" and name:match "^scute%.([%w_]+)$"
      for key, value in next, name and family or {} do
         if rawequal(value, info.func) and type(key) == "string" then return name .. "." .. key end
      end
   end
   return info.name or "?"
end

-- Whether a function has a parameter of that name.
local function takes(f, wanted)
   local i, name = 1, debug.getlocal(f, 1)
   while name and name ~= wanted do i, name = i + 1, debug.getlocal(f, i + 1) end
   return name ~= nil
end

-- What Lua says of a parameter, in a function of the library that the user called, is about what the user gave for it.
local function wrong_argument(text, stack)
   local kind, name = text:match "^attempt to .- an? (%S+) value %(local '([%a_][%w_]*)'%)"
   local called, caller = stack[1], stack[2]
   local is_called = name and name ~= "self" and called and called.kind == "library" and caller and caller.kind == "user"
   if not is_called or not takes(called.func, name) then return nil end
   local problem = kind == "nil" and "is missing" or ("is a %s, with which it cannot be called"):format(kind)
   return ("%s: argument '%s' %s"):format(public_name(called), name, problem)
end

-- Lua's own errors in code of the library are faults there; what it raises itself, or one of its functions in C, is meant for
-- who called it.
local function is_fault(message, stack)
   local text, at_library = message:gsub(LIBRARY_POSITION, "")
   if at_library == 0 or wrong_argument(text, stack) then return false end
   local innermost = stack[1]
   return innermost and innermost.kind == "library" or text:find "^attempt to " or text:find "^bad argument #"
end

-- Whether code of the library raised it.
local function is_raised_by_library(stack)
   local innermost = first_of(stack, function(info) return info.kind ~= "C" end)
   return innermost and innermost.kind == "library"
end

-- The message, at the user's line where the library raised it; of a fault it tells that line too.
local function blamed(message, stack, line)
   local text, at_library = message:gsub(LIBRARY_POSITION, "")
   if not line then return message end
   if is_fault(message, stack) then return ("%s (inside scute, called from %s)"):format(message, line) end
   if at_library > 0 then return line .. ": " .. (wrong_argument(text, stack) or text) end
   return not message:find(POSITION) and is_raised_by_library(stack) and line .. ": " .. message or message
end

-- ---- all of it ----

local function wants_all()
   return (os.getenv "SCUTE_TRACEBACK" or "") ~= ""
end

-- The user's line that comes first in lines of a stack.
local function line_of(lines)
   for line in lines:gmatch "[^\n]+" do
      local found = not line:find "lua/scute/" and line:match "^\t(.-:%d+): in "
      if found then return found end
   end
end

-- Whether a stack has lines of files or functions beside the one that was typed at the prompt.
local function names_lines(lines)
   return lines:gsub("\tinput[ %d]*:%d+: in main chunk", ""):find "\n\t[^\n]-:%d+: in " ~= nil
end

local function stack_text(message, stack)
   local lines = is_fault(message, stack) and all_lines(stack) or folded_lines(stack)
   return #lines > 0 and TITLE .. table.concat(shortened(lines), "\n") or ""
end

--- A text with the stack below it, for an error that passes on: `err` is what was raised. level: as error counts.
function traceback.add(text, err, level)
   if wants_all() then return debug.traceback(text, level + 1) end
   return text .. stack_text(tostring(err), traceback.stack(level + 1))
end

--- What is told of an error: its message, and the stack from a level on (as error counts from the caller). brief: no stack
-- where all of it is the line that the message names.
function traceback.describe(message, level, brief)
   local text, own = message:match "^(.-)(\nstack traceback:\n.*)$" -- an error inside a model brings its own
   if wants_all() then return own and message or debug.traceback(message, level + 1) end
   local stack = traceback.stack(level + 1)
   text = text or unreadable(message)
   local user = first_of(stack, function(info) return info.kind == "user" end)
   local line = own and line_of(own) or user and place(user)
   local slip = slips.wrong_mark(text, stack)
   if slip and line then return ("%s: %s"):format(line, slip) .. (brief and "" or stack_text("", stack)) end
   local told = blamed(text, stack, line) .. slips.hint(text, stack)
   local lines = own or stack_text(text, stack)
   return told .. (brief and not names_lines(lines) and "" or lines)
end

return traceback
