-- .run FILE [ARGUMENTS]: runs a script in the session; what it calls local is there afterwards.
local console = require "scute.base.console"
local errors = require "scute.repl.errors"
local lfs = require "lfs"
local profiled = require "scute.profile.program"
local scute = require "scute"
local script = require "scute.repl.script"
local session = require "scute.base.session"

-- The words of a line as a shell takes them apart: quotes and backslashes, nothing else.
local function words_of(line)
   local words, word, at = {}, nil, 1
   while at <= #line do
      local c = line:sub(at, at)
      local quoted = line:match("^'([^']*)'", at) or line:match('^"([^"]*)"', at)
      if quoted then
         word, at = (word or "") .. quoted, at + #quoted + 2
      elseif c:find "%s" then
         words[#words + 1], word, at = word, nil, at + 1
      else
         if c == "\\" and at < #line then
            at = at + 1
            c = line:sub(at, at)
         end
         word, at = (word or "") .. c, at + 1
      end
   end
   words[#words + 1] = word
   return words
end

-- scripts/ and examples/ of the library are found from any folder.
local function found(path)
   path = path:gsub("^~/", (os.getenv "HOME" or "~") .. "/")
   if lfs.attributes(path) or path:find "^/" then return path end
   local own = ((scute.module_file "scute" or ""):match "^(.*)/lua/scute/" or ".") .. "/" .. path
   return lfs.attributes(own) and own or path
end

-- Somebody waits at the prompt, but a script that Ctrl-C interrupts ends; and one that is quiet, or has a profile taken, leaves
-- the session as it was.
local function in_a_script()
   local waits, quiet = session.waits, console.quiet
   session.waits = false
   return setmetatable({}, { __close = function()
      session.waits, console.quiet = waits, quiet
      profiled.script_has_ended()
   end })
end

-- What a script finds in `arg`: the program and its own options stand before it, as when it is started alone.
local function arguments_of(path, words)
   local before, made, at = rawget(_G, "arg") or {}, { [0] = path, table.unpack(words, 2) }, -1
   while before[at] do
      made[at], at = before[at], at - 1
   end
   return made
end

return function(line)
   local words = words_of(line)
   local path = words[1] and found(words[1])
   if not path then console.fail ".run: expected a script, as in .run examples/first_tensor.lua" end
   local arguments = table.move(words, 2, #words, 1, {})
   _G.arg = arguments_of(path, words)
   scute.look_beside(path) -- for its modules
   local waiting <close> = in_a_script() -- luacheck: ignore
   local problem = script.run(path, arguments, errors.describe)
   if problem then error({ exit = 1, message = problem }, 0) end
end
