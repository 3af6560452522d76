-- The session in a real terminal, which tmux plays (see tests/terminal/tmux.lua): every file beside this one but that is a part
-- that gets (open, check, scratch, tmux): open(options) starts a session of its own, scratch is a folder.
-- Usage: scute tests/terminal/run.lua [PART...]
local lfs = require "lfs"

local scute = arg[-1]:find "^/" and arg[-1] or lfs.currentdir() .. "/" .. arg[-1]
local here = arg[0]:match "^(.*)/" or "."
local tally = dofile(here .. "/../tally.lua")
local tmux = dofile(here .. "/tmux.lua")
function tmux.gave_up(what, screen) tally.check(false, "waits in vain for " .. what, screen) end
local scratch = os.tmpname()
os.remove(scratch)
assert(lfs.mkdir(scratch))

local sessions = 0

-- A session whose history and settings are its own. options: as of tmux.open, and arguments (a text), home (a folder to share
-- between sessions).
local function open(options)
   options = options or {}
   sessions = sessions + 1
   local home = options.home or ("%s/%d"):format(scratch, sessions)
   lfs.mkdir(home)
   options.environment = options.environment or {}
   local environment = options.environment
   environment.XDG_STATE_HOME, environment.XDG_CONFIG_HOME = home .. "/state", home .. "/config"
   return tmux.open(("'%s' %s"):format(scute, options.arguments or ""), options)
end

local function parts()
   if #arg > 0 then return arg end
   local names = {}
   for name in lfs.dir(here) do
      local part = name:match "^([%w_]+)%.lua$"
      if part and part ~= "run" and part ~= "tmux" then names[#names + 1] = part end
   end
   table.sort(names)
   return names
end

for _, part in ipairs(parts()) do dofile(("%s/%s.lua"):format(here, part))(open, tally.check, scratch, tmux) end
os.execute("rm -rf '" .. scratch .. "'")
tally.finish()
