-- One program at a time writes a gallery.
local absolute = require "scute.base.absolute"
local console = require "scute.base.console"
local scute = require "scute"

local PATIENCE, STEP = 30, 0.1 -- seconds that somebody else may take, and from one look to the next

--- Holds <path>.lock until the handle is closed (close(), <close>). Another program that has it is waited for, patience (30)
-- seconds at most; then it fails, and says who that is.
return function(path, patience)
   local waited = 0
   while true do
      local held, holder = console.guard("gallery", scute.files.lock, absolute(path) .. ".lock")
      if held then return held end
      if waited >= (patience or PATIENCE) or scute.interrupted() then
         console.fail("%s is being written by another program (%s); try again when that is done", path,
            holder ~= "" and holder or "it is not known which")
      end
      scute.process.wait({}, STEP)
      waited = waited + STEP
   end
end
