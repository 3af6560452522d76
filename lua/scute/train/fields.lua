-- The fields of a run's state for users: every option, and what comes in the course of it. Hooks read and write them
-- (see scute.train.hooks), and a name that is like one of them and is none is refused.
local known_fields = require "scute.base.known_fields"
local FIT = require "scute.train.options"

local fields = {}

local KNOWN = known_fields.set([[model set epoch step feed last mean confusion row history best folder meter skipped bad times
   hardware loss skip stopped interrupted outcome failure average scaler sampler seconds micro micros ranks]])
for name in next, FIT.by_name do KNOWN[name] = true end

local RUN = {}
RUN.__index, RUN.__newindex = known_fields.open("run", KNOWN)

--- The state of a run as a table that knows its fields.
function fields.of(run)
   return setmetatable(run, RUN)
end

return fields
