-- A run that is broken off in the middle of an epoch and goes on from its checkpoint, beside one that is not.
local scute = require "scute"

local goes_on = {}

-- What a run came to, as one text: the numbers of all epochs and the bits of the weights.
local function told(result, model)
   local state, list, lines = model:state_dict(), {}, {}
   for i, name in ipairs(state.names) do list[i] = state.tensors[name] end
   for i, row in ipairs(result.history) do
      lines[i] = ("%d %d %.17g %.17g"):format(row.epoch, row.step, row.train_loss, row.val_loss)
   end
   lines[#lines + 1] = scute.checksum(list)
   return table.concat(lines, "\n")
end

--- Two texts that are equal where a run goes on as if it had not been broken off, and both results. make() -> model, set,
-- options of train.fit without output_dir; folder: where the runs go; step: the update before which it breaks off.
function goes_on.both(make, folder, step)
   local model, set, whole = make()
   whole.output_dir = folder .. "/whole"
   local result = scute.train.fit(model, set, whole)
   local expected = told(result, model)
   local again, same_set, broken = make()
   broken.output_dir, broken.save_steps = folder .. "/broken", 1
   broken.hooks = { { on_step_begin = function(run)
      if run.step == step then error("broken off", 0) end
   end } }
   local ended, why = pcall(scute.train.fit, again, same_set, broken)
   assert(not ended and tostring(why):find "broken off", why)
   local last, its_set, options = make()
   options.output_dir, options.resume = folder .. "/broken", "auto"
   local resumed = scute.train.fit(last, its_set, options)
   return expected, told(resumed, last), result, resumed
end

return goes_on
