-- A script under --watch, for tests: what it says is in a file, which is looked at until a text is there. No test waits for a
-- time.
--
--    local w = watcher.open(cli, "script.lua --epochs 3")    below the scratch folder
--    w:waits(1)                                              until it has waited for a save once
--    w:save("script.lua", text)                              and until it waits again: returns what was said meanwhile
local lfs = require "lfs"

local watcher = {}
watcher.__index = watcher

watcher.program = arg[-1]:find "^/" and arg[-1] or lfs.currentdir() .. "/" .. arg[-1]

local PATIENCE = 6000 -- looks, each at least 0.04 seconds after the one before

local sessions = 0

local function write(path, text)
   local file = assert(io.open(path, "wb"))
   file:write(text)
   file:close()
end

--- Starts watching. cli: tests/cli/shell.lua; line: a file and its arguments; first: what the shell does before that (nothing).
function watcher.open(cli, line, first)
   sessions = sessions + 1
   local self = setmetatable({ cli = cli, log = ("%s/watch%d.log"):format(cli.scratch, sessions) }, watcher)
   write(self.log, "")
   os.execute(("mkfifo '%s.in'"):format(self.log)) -- where nothing ever comes
   self.pipe = assert(io.popen(("cd '%s' && echo $$ && %s exec '%s' --watch %s >>'%s' 2>&1 <>'%s.in'"):format(cli.scratch,
      first or "", watcher.program, line, self.log, self.log)))
   self.pid = self.pipe:read "l"
   return self
end

--- All that was said.
function watcher:said()
   return self.cli.read_file(self.log)
end

local function count(text, found)
   local n, at = 0, 1
   while true do
      local first, last = text:find(found, at, true)
      if not first then return n end
      n, at = n + 1, last + 1
   end
end

--- Looks until a text was said so often (once), from a place on (the beginning); returns whether it was.
function watcher:wait(found, times, from)
   for _ = 1, PATIENCE do
      if count(self:said():sub(from or 1), found) >= (times or 1) then return true end
      os.execute "sleep 0.04"
   end
   self.cli.check(false, "waits for " .. found, self:said())
   return false
end

--- Looks until it has waited for a save so often.
function watcher:waits(times)
   return self:wait("scute: waiting for a save of ", times)
end

--- Writes a file below the scratch folder, as most editors do: beside it, and renames.
function watcher:write(name, text)
   local path = self.cli.scratch .. "/" .. name
   write(path .. "~", text)
   os.rename(path .. "~", path)
end

--- Saves a file and looks until the run of that save is over. Returns what was said from then on.
function watcher:save(name, text)
   local before = self:said()
   self:write(name, text)
   self:waits(count(before, "scute: waiting for a save of ") + 1)
   return self:said():sub(#before + 1)
end

function watcher:signal(name)
   os.execute(("kill -%s %s"):format(name, self.pid))
end

--- Until it has ended; returns its exit code.
function watcher:ended()
   local _, _, code = self.pipe:close()
   return code
end

return watcher
