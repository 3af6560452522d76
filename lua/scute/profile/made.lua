-- A profile that was taken, as its user has it: a list of rows that prints as a table.
local as_text = require "scute.profile.as_text"
local options = require "scute.base.options"
local rows = require "scute.profile.rows"

local made = {}

--- By what the rows are added up.
made.BY = { "by", choices = rows.BY, default = "op",
   help = "what a row is: an op, an op with these shapes, or a layer of a network" }

local BY = options.declare("profile: by", { made.BY }, "by")

local Profile = { __name = "profile", __tostring = as_text }
Profile.__index = Profile

--- The same profile with other rows. what: "layer", "shapes" or "op".
function Profile:by(what)
   return made.of(self.found, BY:read(what).by, self.trace)
end

local function devices_of(costs)
   local list, known = {}, {}
   for _, cost in ipairs(costs) do
      if not known[cost.device] then known[cost.device], list[#list + 1] = true, cost.device end
   end
   table.sort(list)
   return list
end

--- found: what measure.finish returns.
function made.of(found, by, trace)
   local profile = rows.of(found, by)
   profile.found, profile.grouped_by, profile.trace = found, by, trace
   profile.seconds, profile.threads, profile.devices = found.seconds, found.threads, devices_of(found.costs)
   profile.beside = rows.beside(found)
   return setmetatable(profile, Profile)
end

return made
