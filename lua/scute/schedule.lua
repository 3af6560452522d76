-- Learning rates over time, as a factor on each group's own rate.
--
-- A schedule is a table with `factor(position)`; position is {step, steps_per_epoch, epochs}: the number of steps done
-- before this one, from 0, over the whole run.
local schedule = {}

local function check(name, options, allowed)
   for key in pairs(options) do
      if not allowed[key] then
         local known = {}
         for k in pairs(allowed) do known[#known + 1] = k end
         table.sort(known)
         local nearest = require("scute").nearest(tostring(key), known)
         error(("schedule.%s: unknown option '%s'%s"):format(name, key,
            nearest and (", did you mean '%s'?"):format(nearest) or "; expected " .. table.concat(known, ", ")), 3)
      end
   end
end

local function check_range(name, key, value, low, high)
   if type(value) ~= "number" or not (value >= low and value <= high) then
      error(("schedule.%s: expected %s from %g to %g, found %s"):format(name, key, low, high, tostring(value)), 3)
   end
end

--- The same rate from the first step to the last.
function schedule.constant()
   return { name = "constant", factor = function() return 1 end }
end

--- Linear warmup, then half a cosine down to `minimum`, both step by step.
-- warmup: epochs, also fractions (default 1); the factor of warmup step s (from 0) is (s + 1) / warmup_steps, so that the
-- last one has the full rate. epochs: all of them, the warmup's included (default: the run's). minimum: the factor of
-- the last step (default 0). A warmup as long as the run is cut so that one step of cosine remains.
-- Cosine: Loshchilov and Hutter, SGDR (2017), eq. 5.
function schedule.warmup_cosine(options)
   options = options or {}
   check("warmup_cosine", options, { warmup = true, epochs = true, minimum = true })
   local warmup, minimum = options.warmup or 1, options.minimum or 0
   check_range("warmup_cosine", "warmup", warmup, 0, 1e9)
   check_range("warmup_cosine", "minimum", minimum, 0, 1)
   if options.epochs then check_range("warmup_cosine", "epochs", options.epochs, 1, 1e9) end

   local function factor(position)
      local total = (options.epochs or position.epochs) * position.steps_per_epoch
      local rising = math.min(math.floor(warmup * position.steps_per_epoch + 0.5), total - 1)
      if position.step < rising then return (position.step + 1) / rising end
      -- The join is the last warmup step (factor 1); the last step of all reaches the minimum.
      local first = math.max(rising - 1, 0)
      local way = total - 1 > first and math.min((position.step - first) / (total - 1 - first), 1) or 0
      return minimum + (1 - minimum) * 0.5 * (1 + math.cos(math.pi * way))
   end
   return { name = "warmup_cosine", factor = factor }
end

return schedule
