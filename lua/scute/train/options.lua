-- What the numbers among the options of train.fit may be, so that a wrong one is told before anything is done.
local options = {}

-- whole: a whole number. min, above, below: the range. What is not given is left alone.
local RANGES = {
   epochs = { whole = true, min = 1 }, batch_size = { whole = true, min = 1 }, seed = { whole = true, min = 0 },
   workers = { whole = true, min = 0 }, accumulate = { whole = true, min = 1 }, keep = { whole = true, min = 1 },
   save_steps = { whole = true, min = 1 }, save_every = { above = 0 }, label_smoothing = { min = 0, below = 1 },
   mixup = { min = 0 }, cutmix = { min = 0 }, clip_norm = { above = 0 }, clip_value = { above = 0 },
}

local function expected(range)
   local text = range.whole and "a whole number" or "a number"
   if range.min then text = ("%s of at least %g"):format(text, range.min) end
   if range.above then text = ("%s above %g"):format(text, range.above) end
   if range.below then text = ("%s and below %g"):format(text, range.below) end
   return text
end

local function fits(range, value)
   return type(value) == "number" and value < math.huge and (not range.whole or math.tointeger(value) ~= nil)
      and (not range.min or value >= range.min) and (not range.above or value > range.above)
      and (not range.below or value < range.below)
end

--- Fails where an option of `run` is out of its range. what: "train.fit"; level: of the caller, as error counts.
function options.check(run, what, level)
   for name, range in pairs(RANGES) do
      local value = run[name]
      if value ~= nil and not fits(range, value) then
         error(("%s: option '%s': expected %s, found %s"):format(what, name, expected(range), tostring(value)), level + 1)
      end
      if range.whole and value then run[name] = math.tointeger(value) end
   end
end

return options
