-- What the options of train.fit may be, so that a wrong one is told before anything is done.
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

local function has(method)
   return function(value) return type(value) == "table" and type(value[method]) == "function" end
end

local function is(kind)
   return function(value) return type(value) == kind end
end

local function one_of(...)
   local known = {}
   for _, name in ipairs { ... } do known[name] = true end
   return function(value) return known[value] end
end

local function is_cache(value)
   return value == "auto" or value == "off" or math.type(value) == "integer" and value > 0
end

-- Those that are no numbers: what holds of them, and the words for it. false stands for what is not given.
local OTHERS = {
   optimizer = { has "step", "an optimizer of scute.optim" },
   schedule = { function(value) return is "function"(value) or has "factor"(value) end,
      "a schedule of scute.schedule or a function f(step, epoch)" },
   output_dir = { is "string", "the name of a folder" }, resume = { is "string", "'auto' or the name of a file" },
   unfreeze = { has "apply", "a plan of scute.train.unfreeze.plan" },
   augment = { is "table", "a description as scute.augment.preset \"light\" returns it" },
   cache_features = { is_cache, "'auto', 'off' or a number of views of at least 1" },
   on_bad_image = { one_of("skip", "error"), "'skip' or 'error'" },
}

--- Fails where an option of `run` is out of its range. what: "train.fit"; level: of the caller, as error counts.
function options.check(run, what, level)
   for name, range in pairs(RANGES) do
      local value = run[name]
      if value ~= nil and not fits(range, value) then
         error(("%s: option '%s': expected %s, found %s"):format(what, name, expected(range), tostring(value)), level + 1)
      end
      if range.whole and value then run[name] = math.tointeger(value) end
   end
   for name, rule in pairs(OTHERS) do
      if run[name] and not rule[1](run[name]) then
         error(("%s: option '%s': expected %s, found %s"):format(what, name, rule[2], tostring(run[name])), level + 1)
      end
   end
end

return options
