-- How modules and their classes print in one line.
local options = require "scute.base.options"
local thousands = require("scute.base.columns").thousands

local brief = {}

--- A module in one line, as it stands inside a table and where a method returns its own module: how much of it trains.
function brief.module(instance)
   if #rawget(instance, "_child_names") == 0 then return instance:tree() end
   local all, trains = instance:num_parameters(), instance:num_parameters(true)
   return ("%s: %s parameters, %s train; in %s mode"):format(rawget(instance, "arch") or instance.class_name, thousands(all),
      trains == all and "all" or trains == 0 and "none" or thousands(trains), instance.training and "training" or "evaluation")
end

--- "class Linear { in_features, out_features, bias = true }"
function brief.class(class)
   local parts = {}
   for i, entry in ipairs(class.declaration and class.declaration.entries or {}) do
      local default = options.default_text(entry)
      parts[i] = default and ("%s = %s"):format(entry[1], default) or entry[1]
   end
   return ("class %s%s"):format(class.class_name, #parts > 0 and " { " .. table.concat(parts, ", ") .. " }" or "")
end

return brief
