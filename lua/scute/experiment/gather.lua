-- What is done of an experiment: the records in its folder, and the runs that are missing.
local lfs = require "lfs"
local plan = require "scute.experiment.plan"
local record = require "scute.experiment.record"

local gather = {}

-- The record of a run with what its test found; nil and why where there is a file that is no use, nil alone where there is
-- none.
local function read(folder, run)
   local path = folder .. "/" .. record.RESULT
   if not lfs.attributes(path) then return nil end
   local found, why = record.read(path, run)
   if not found then return nil, why end
   found.test = record.read(folder .. "/" .. record.TEST, run) -- of one that is damaged the test is done again
   return found
end

--- The record of one run of a plan; nil, and why where there is a file that is no use.
function gather.one(folder, run)
   return read(plan.folder(folder, run), run)
end

--- All that is done: records by name of their variant, and the list of runs that are not finished. tell_of(why) hears of files
-- that are no use.
function gather.all(folder, made, tell_of)
   local records, missing = {}, {}
   for _, variant in ipairs(made.variants) do records[variant.name] = {} end
   for _, run in ipairs(plan.runs(made)) do
      local found, why = gather.one(folder, run)
      if why and tell_of then tell_of(why) end
      if found then table.insert(records[run.variant], found) end
      if not found or found.state ~= "finished" then missing[#missing + 1] = run end
   end
   return records, missing
end

--- Whether there is any record among those.
function gather.is_empty(records)
   for _, list in pairs(records) do
      if #list > 0 then return false end
   end
   return true
end

return gather
