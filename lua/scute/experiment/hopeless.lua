-- When a trial is not worth going on with: what failed so far will be the failure of all its runs.
local hopeless = {}

local NO_FIGURE = { "a run has no figure '", "figures: there is no '" } -- see scute.train.within and scute.experiment.returned

local function lacks_figure(message)
   for _, text in ipairs(NO_FIGURE) do
      if message:find(text, 1, true) then return true end
   end
   return false
end

local function without(text, part)
   return (text:gsub(part:gsub("%p", "%%%0"), "?"))
end

-- What a failure says, whichever run it is of.
local function words(failure)
   return without(without(failure.message, failure.folder), failure.variant)
end

-- A variant may be called as a word of what both say.
local function are_alike(one, other)
   return one.message == other.message or words(one) == words(other)
end

-- Of what another variant may not need: time, and memory.
local function is_of_one(failure)
   return failure.how ~= "failed" or failure.message:find "did not fit the budget" or failure.message:find "^ended by SIGKILL"
end

--- What is said where the last of some failures ends the trial, none of whose runs has a result; nil where the others go on.
-- failures: a list of { variant, run, message, how, folder }.
function hopeless.of(failures)
   local last = failures[#failures]
   if lacks_figure(last.message) then return ("%s, %s failed: %s"):format(last.variant, last.run, last.message) end
   if is_of_one(last) then return nil end
   for i = 1, #failures - 1 do
      local other = failures[i]
      if other.variant ~= last.variant and are_alike(other, last) then
         return ("%s and %s failed alike: %s"):format(other.variant, last.variant, last.message)
      end
   end
end

return hopeless
