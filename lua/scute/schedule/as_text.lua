-- How a schedule prints: what it is, and a line of the rate over the run.
local console = require "scute.base.console"

local STEPS = 40 -- of the line
local LEVELS = { "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█" }
local EPOCHS = 10 -- of a run where the schedule lasts for any

-- What depends on how the run goes, or is the user's own function, is not to be drawn before.
local function is_known(schedule)
   return not schedule.is_live and not schedule.is_own
end

local function line_of(schedule, epochs)
   local each = math.max(1, math.ceil(STEPS / epochs))
   local known, values = pcall(schedule.values, schedule, { epochs = epochs, steps_per_epoch = each })
   if not known then return nil end
   local line, n = {}, math.min(STEPS, #values)
   for i = 1, n do
      local factor = values[1 + (i - 1) * (#values - 1) // math.max(n - 1, 1)]
      line[i] = LEVELS[1 + math.floor(math.min(math.max(factor, 0), 1) * (#LEVELS - 1) + 0.5)]
   end
   return table.concat(line)
end

--- The text of a schedule (see scute.schedule).
return function(schedule)
   local text = "schedule " .. schedule:describe():gsub(" {  }", "")
   local epochs = math.max(1, math.ceil(schedule.epochs or EPOCHS))
   local line = is_known(schedule) and line_of(schedule, epochs)
   if not line then return text end
   local over = (schedule.epochs and "" or "a run of ") .. console.count(epochs, "epoch")
   return ("%s\n   %s  the rate over %s"):format(text, line, over)
end
