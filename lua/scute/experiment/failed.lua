-- Runs that failed: failed.json in the folder of each, until it is done anew. A failure is { variant, run, kind = "train" or
-- "test", message, how = as scute.experiment.pool tells it, over = whether no run of its variant fits the budget }.
local console = require "scute.base.console"
local json_file = require "scute.base.json_file"
local plan = require "scute.experiment.plan"
local scute = require "scute"
local to_json = require "scute.base.json"

local failed = {}

local NAME = "failed.json"
local ORDER = { "variant", "run", "kind", "message", "how", "over" }

--- Keeps a failure in the folder of its run.
function failed.write(folder, failure)
   local text = { _order = ORDER }
   for key, value in pairs(failure) do text[key] = value end
   console.guard("output_dir", scute.files.write, folder .. "/" .. NAME, to_json(text))
end

--- Forgets the failure of a run, which is done anew.
function failed.clear(folder)
   os.remove(folder .. "/" .. NAME)
end

--- The failures of the runs of a plan, in its order.
function failed.all(folder, made)
   local list = {}
   for _, run in ipairs(plan.runs(made)) do
      local found = json_file.read(plan.folder(folder, run) .. "/" .. NAME)
      if found and type(found.message) == "string" then
         found.variant, found.run = run.variant, run.run
         list[#list + 1] = found
      end
   end
   return list
end

--- Whether it is a training that failed: a model that could not be tested is a result all the same.
function failed.is_training(failure)
   return failure.kind ~= "test"
end

--- "frozen, seed0", and ", test" where that failed.
function failed.title(failure)
   return ("%s, %s%s"):format(failure.variant, failure.run, failed.is_training(failure) and "" or ", test")
end

--- The failures of training of a variant.
function failed.of(failures, variant)
   local list = {}
   for _, failure in ipairs(failures or {}) do
      if failure.variant == variant and failed.is_training(failure) then list[#list + 1] = failure end
   end
   return list
end

--- How many runs of a variant will not come: those that failed, or all, where the variant is out of a search or of the budget.
-- missing: how many have no result.
function failed.count(failures, variant, missing, is_search)
   local list = failed.of(failures, variant)
   for _, failure in ipairs(list) do
      if is_search or failure.over then return missing end
   end
   return math.min(#list, missing)
end

return failed
