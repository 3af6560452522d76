-- Scores and what is true of each, as they are given to metrics: lists or tensors of one length, without NaN.
local finite = require "scute.base.finite"
local is_tensor = require("scute.nn.module").is_tensor

local paired = {}

local function length_of(what, name, value, level)
   if is_tensor(value) and #value.shape == 1 then return value.shape[1] end
   if type(value) == "table" then return #value end
   error(("%s: expected %s as a list or a tensor (N), found %s"):format(what, name, tostring(value)), level + 1)
end

local function check_numbers(what, name, list, level)
   for i, value in ipairs(list) do
      if type(value) ~= "number" or value ~= value then
         error(("%s: expected %s as numbers, found %s at place %d"):format(what, name, value ~= value and "NaN"
            or tostring(value), i), level + 1)
      end
   end
end

local function check_outcomes(what, list, level)
   for i, value in ipairs(list) do
      if value ~= true and value ~= false and value ~= 0 and value ~= 1 then
         error(("%s: expected true or false (or 1 or 0) for each, found %s at place %d"):format(what, tostring(value), i),
            level + 1)
      end
   end
end

--- How many pairs there are; what is wrong is an error of the caller's caller. name: what the first ones are called.
function paired.check(what, name, scores, outcomes)
   local n, others = length_of(what, name, scores, 3), length_of(what, "outcomes", outcomes, 3)
   if n ~= others then error(("%s: %d %s and %d outcomes"):format(what, n, name, others), 3) end
   if not is_tensor(scores) then
      check_numbers(what, name, scores, 3)
   elseif n > 0 and finite.problem(scores) == "NaN" then
      error(("%s: the %s hold NaN"):format(what, name), 3)
   end
   if not is_tensor(outcomes) then check_outcomes(what, outcomes, 3) end
   return n
end

--- Two lists, numbers and true or false, of what may be tensors.
function paired.lists(scores, outcomes)
   local numbers = is_tensor(scores) and scores:values() or scores
   local list, flags = is_tensor(outcomes) and outcomes:values() or outcomes, {}
   for i, value in ipairs(list) do flags[i] = value == true or value ~= false and value ~= 0 end
   return numbers, flags
end

return paired
