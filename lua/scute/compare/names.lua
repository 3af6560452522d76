-- Which models are compared, and what people call them.
local scute = require "scute"

local names = {}

local function capital(word)
   return (word:gsub("^%l", string.upper))
end

-- In this order: pattern of the name in scute.models, and what it becomes, as string.gsub takes it.
local SHOWN = {
   { "^resnet(%d+)$", "ResNet-%1" },
   { "^resnet(%d+)_a1$", "ResNet-%1 A1" },
   { "^wide_resnet(%d+)_(%d+)$", "Wide ResNet-%1-%2" },
   { "^resnext(%d+)_(.+)$", "ResNeXt-%1 %2" },
   { "^efficientnet_b(%d)$", "EfficientNet-B%1" },
   { "^efficientnet_lite(%d)$", "EfficientNet-Lite%1" },
   { "^efficientnet_v(%d)_(%a)$", function(version, size) return ("EfficientNetV%s-%s"):format(version, capital(size)) end },
   { "^mobilenet_v(%d)$", "MobileNetV%1" },
   { "^mobilenet_v(%d)_(%a+)$", function(version, size) return ("MobileNetV%s-%s"):format(version, capital(size)) end },
   { "^convnext_(%a+)$", function(size) return "ConvNeXt-" .. capital(size) end },
   { "^baseline_cnn$", "Baseline CNN" },
}

--- "resnet18" as people write it: "ResNet-18". A name without a rule stays as it is.
function names.show(model)
   for _, rule in ipairs(SHOWN) do
      local shown, found = model:gsub(rule[1], rule[2])
      if found > 0 then return shown end
   end
   return model
end

-- "resnet*" as a Lua pattern: * is any text, ? any character, [abc] one of them.
local function to_pattern(text)
   return "^" .. text:gsub("[%^%$%(%)%%%.%+%-]", "%%%0"):gsub("%*", ".*"):gsub("%?", ".") .. "$"
end

local function matching(text, known)
   local pattern, found = to_pattern(text), {}
   for _, name in ipairs(known) do
      local ok, position = pcall(string.find, name, pattern)
      if not ok then error(("'%s' is no pattern: a [ has no ]"):format(text), 0) end
      if position then found[#found + 1] = name end
   end
   if #found == 0 then error(("no model matches '%s'; there are %s"):format(text, table.concat(known, ", ")), 0) end
   return found
end

--- Checks that a model is known; an error with the nearest name otherwise. `known` is a list of names.
function names.check(name, known)
   for _, other in ipairs(known) do
      if other == name then return name end
   end
   local near = scute.nearest(name, known)
   error(("unknown model '%s'%s; there are %s"):format(name, near and ("; did you mean '%s'?"):format(near) or "",
      table.concat(known, ", ")), 0)
end

--- The models of a list like "resnet18,efficientnet_b*", each once, in that order. `known`: all names (default: those of
-- scute.models). An unknown name, and a pattern that matches nothing, is an error.
function names.select(text, known)
   known = known or scute.models.list()
   local chosen, seen = {}, {}
   for entry in text:gmatch "[^,%s]+" do
      local found = entry:find "[%*%?%[]" and matching(entry, known) or { names.check(entry, known) }
      for _, name in ipairs(found) do
         if not seen[name] then
            seen[name], chosen[#chosen + 1] = true, name
         end
      end
   end
   if #chosen == 0 then error("expected names of models, found none", 0) end
   return chosen
end

return names
