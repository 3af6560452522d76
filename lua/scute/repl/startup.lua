-- The file that each session at a terminal begins with: init.lua in ~/.config/scute, or in $XDG_CONFIG_HOME/scute.
local console = require "scute.base.console"
local errors = require "scute.repl.errors"
local lfs = require "lfs"
local script = require "scute.repl.script"

local startup = {}

--- Where it would be; nil where there is no such folder.
function startup.path()
   local config, home = os.getenv "XDG_CONFIG_HOME" or "", os.getenv "HOME" or ""
   if config:sub(1, 1) ~= "/" then config = home ~= "" and home .. "/.config" or nil end
   return config and config .. "/scute/init.lua"
end

--- Runs it, if there is one; what it defines is there. What goes wrong in it is told, and that is all.
function startup.run()
   local path = startup.path()
   if not path or not lfs.attributes(path) then return end
   local problem = script.run(path, {}, errors.describe)
   if not problem then return end
   io.stdout:flush()
   io.stderr:write(console.visible(("%s\n(in %s; the session begins without the rest of it)\n"):format(problem, path)))
end

return startup
