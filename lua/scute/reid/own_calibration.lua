-- Whose calibration reid.json has: it was fitted to the similarities of one model, and the folder of a run holds several
-- (best.safetensors, last.safetensors, ema.safetensors), of which some may be newer than it.
local console = require "scute.base.console"
local scute = require "scute.core"

--- The calibration, as plain data, and the threshold that reid.json tells of the model in a file. facts: what is in reid.json.
-- nil where it tells none; nil, nil and true where it is another model's.
return function(facts, path)
   if not facts.calibration then return nil end
   local on = type(facts.calibrated_on) == "table" and facts.calibrated_on.model or nil
   if on and on ~= console.guard("model", scute.weights.sha256, path) then return nil, nil, true end
   return facts.calibration, facts.threshold
end
