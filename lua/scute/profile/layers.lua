-- Tells C which layer of a network is computing, by its path ("layer3.0.conv2"), while a profile is taken.
local profiler = require("scute.core").profiler
local join = require "scute.base.join_path"

local layers = {}

local MODEL = "(the model itself)" -- what a network does between its layers

local paths = { [0] = "" }  -- of a number
local below = {}            -- number -> {name = number of the layer of that name in it}
local at, outside = 0, {}   -- the layer that computes, and those around it
local profiles = 0

local function number_of(name)
   local known = below[at] or {}
   below[at] = known
   if not known[name] then
      local path = name and join(paths[at], name)
      local number = profiler.layer(path ~= "" and path or MODEL)
      known[name], paths[number] = number, path
   end
   return known[name]
end

local function go(number)
   at = number
   profiler.enter(number)
end

local left = setmetatable({}, { __close = function() go(table.remove(outside) or 0) end })

-- A module that computes from here on, until the value that is returned goes out of scope.
local function follow(module)
   local number = number_of(rawget(module, "_name") or "")
   outside[#outside + 1] = at
   go(number)
   return left
end

--- From here on, until as many calls of finish.
function layers.begin()
   profiles = profiles + 1
   require("scute.nn.module").follow(follow)
end

function layers.finish()
   profiles = profiles - 1
   if profiles == 0 then require("scute.nn.module").follow(nil) end
end

return layers
