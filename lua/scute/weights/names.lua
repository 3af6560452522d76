--- What the names in a weight file are in the words of a model: without what wrappers put before them, in torchvision's today.
-- A name costs no more than its length, whatever it is made of.
local efficientnet_pytorch = require "scute.weights.efficientnet_pytorch"
local timm = require "scute.weights.timm"
local timm_convnext = require "scute.weights.timm_convnext"

local names = {}

local WRAPPERS = { "module.", "backbone." } -- of DataParallel, and of what people build around a network
local COMPILED = "_orig_mod."               -- of torch.compile, which stands before each part that was compiled
local PROBES = 16                           -- how many names show which prefix makes them fit
local LONGER = 32                           -- a name in other words is no longer than this than the longest of the model

-- Position of a layer inside features.N.conv: torchvision before 0.3 and today. Block 1 has no expansion.
local OLD_MOBILENET = {
   first = { ["0"] = "0.0", ["1"] = "0.1", ["3"] = "1", ["4"] = "2" },
   later = { ["0"] = "0.0", ["1"] = "0.1", ["3"] = "1.0", ["4"] = "1.1", ["6"] = "2", ["7"] = "3" },
}

--- Today's name of an entry of an older MobileNetV2, or the name itself.
function names.rename_mobilenet(name)
   local block, position, rest = name:match "^features%.(%d+)%.conv%.(%d+)%.([%a_]+)$"
   if not block then return name end
   local positions = block == "1" and OLD_MOBILENET.first or OLD_MOBILENET.later
   return positions[position] and ("features.%s.conv.%s.%s"):format(block, positions[position], rest) or name
end

-- Whether a name ends with whole words.
local function ends_with(name, words)
   return name == words or name:sub(-#words - 1) == "." .. words
end

local function any(list, words)
   for _, name in ipairs(list) do
      if ends_with(name, words) then return true end
   end
   return false
end

-- The function from timm's names to those of the model, by a layer that its kind has alone.
local function timm_of(expected)
   return expected["features.1.conv.0.0.weight"] and timm.mobilenet
      or expected["features.1.0.block.1.fc1.weight"] and timm.efficientnet
      or expected["features.1.0.block.1.0.weight"] and timm.efficientnet_lite
end

-- The function from the names of another library to those of the model, where the file has such; whether these are timm's.
local function others_of(expected, list)
   if timm_of(expected) and any(list, "conv_stem.weight") then return timm_of(expected), true end
   if expected["features.1.0.layer_scale"] and any(list, "stages.0.blocks.0.gamma") then return timm_convnext.of_timm, true end
   local is_lite = timm_of(expected) == timm.efficientnet_lite
   return is_lite and any(list, "_conv_stem.weight") and efficientnet_pytorch.lite0 or nil, false
end

-- Which prefix of a wrapper stands at a position of a name, or nil.
local function wrapper_at(name, at)
   for _, prefix in ipairs(WRAPPERS) do
      if name:sub(at, at + #prefix - 1) == prefix then return prefix end
   end
   return nil
end

-- Without the prefixes that a wrapper put there; a name that the model itself has stays.
local function unwrap(name, known, stripped)
   local at = 1
   while not known(name, at) do
      local prefix = wrapper_at(name, at)
      if not prefix then break end
      stripped[prefix], at = true, at + #prefix
   end
   return name:sub(at)
end

-- The words that all names begin with, each with its dot.
local function shared_words(list)
   local shared = list[1]:match "^(.*%.)" or ""
   for _, name in ipairs(list) do
      while name:sub(1, #shared) ~= shared do shared = shared:sub(1, -2):match "^(.*%.)" or "" end
   end
   return shared
end

-- How many of some of the names the model knows without their first characters.
local function count_known(list, at, known)
   local count = 0
   for i = 1, #list, math.max(1, #list // PROBES) do count = count + (known(list[i], at) and 1 or 0) end
   return count
end

-- The prefix that all names share and without which most of them fit; "" where they fit with it.
local function shared_prefix(list, known)
   local shared = #list > 0 and shared_words(list) or ""
   local best, most = 1, count_known(list, 1, known)
   for at in shared:gmatch "%.()" do
      local count = count_known(list, at, known)
      if count > most then best, most = at, count end
   end
   return shared:sub(1, best - 1)
end

-- Takes away what stands before the names of the model; returns what that was.
local function strip(list, known)
   local stripped, order = {}, {}
   for i, name in ipairs(list) do
      local whole, found = name:gsub("%f[%w_]_orig_mod%.", "")
      list[i], stripped[COMPILED] = unwrap(whole, known, stripped), stripped[COMPILED] or found > 0
   end
   local prefix = shared_prefix(list, known)
   if prefix ~= "" then
      for i, name in ipairs(list) do list[i] = unwrap(name:sub(#prefix + 1), known, stripped) end
   end
   for _, word in ipairs { COMPILED, table.unpack(WRAPPERS) } do
      if stripped[word] then order[#order + 1] = word end
   end
   if prefix ~= "" then order[#order + 1] = prefix end
   return order
end

-- Whether the rest of a name is the model's. What is longer than any of its names is not cut out to be looked up.
local function knower(expected, rename)
   local longest = 0
   for name in pairs(expected) do longest = math.max(longest, #name + (rename and LONGER or 0)) end
   return function(name, at)
      if #name - at >= longest then return false end
      local rest = name:sub(at)
      return expected[rest] ~= nil or rename ~= nil and expected[rename(rest)] ~= nil
   end
end

--- The names of a file, in the file's order, as a model has them. `expected` has the model's names as keys. Returns the list;
-- which prefixes were stripped; how many names are in other words; whether these are timm's.
function names.translate(expected, loaded)
   local list, renamed = {}, 0
   for i, entry in ipairs(loaded) do list[i] = entry.name end
   local rename, of_timm = others_of(expected, list)
   local stripped = strip(list, knower(expected, rename or function() end))
   if not rename and expected["features.1.conv.0.0.weight"] and any(list, "features.1.conv.0.weight") then
      rename = names.rename_mobilenet
   end
   for i, name in ipairs(list) do
      local today = rename and rename(name) or name
      if today ~= name then list[i], renamed = today, renamed + 1 end
   end
   return list, stripped, renamed, of_timm
end

-- By these names of its layers a network is known, whatever stands before them.
local ANCHORS = { "layer1.0.conv1.weight", "features.0.0.weight", "features.1.0.block.0.0.weight", "conv_stem.weight",
   "_conv_stem.weight", "stages.0.blocks.0.gamma" }

local function prefix_of(list)
   for _, words in ipairs(ANCHORS) do
      for _, name in ipairs(list) do
         if ends_with(name, words) then return name:sub(1, -#words - 1) end
      end
   end
   return ""
end

-- The function from the names of another library to torchvision's, by the layers that a file has; nil where they are not other.
local function others_in(list)
   if any(list, "_conv_stem.weight") then
      return efficientnet_pytorch.is_lite0(list) and efficientnet_pytorch.lite0 or nil
   elseif any(list, "stages.0.blocks.0.gamma") then
      return timm_convnext.of_timm
   elseif not any(list, "conv_stem.weight") or any(list, "conv_head.bias") then -- MobileNetV3 has no name of those here
      return nil
   elseif any(list, "blocks.0.0.se.conv_reduce.weight") then
      return timm.efficientnet
   end
   -- MobileNetV2 and Lite0 have layers of the same names, and other numbers of blocks
   local is_lite = any(list, "blocks.0.0.conv_dw.weight") and any(list, "blocks.5.3.conv_pw.weight")
   return is_lite and timm.efficientnet_lite or timm.mobilenet
end

--- The names of a file where no model is known: without what stands before them, in torchvision's words.
function names.bare(loaded)
   local list = {}
   for i, entry in ipairs(loaded) do list[i] = entry.name:gsub("%f[%w_]_orig_mod%.", "") end
   local prefix = prefix_of(list)
   for i, name in ipairs(list) do
      if name:sub(1, #prefix) == prefix then list[i] = name:sub(#prefix + 1) end
   end
   local rename = others_in(list)
   if not rename then return list end
   for i, name in ipairs(list) do list[i] = rename(name) or name end
   return list
end

return names
