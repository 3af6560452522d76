-- Tells C which layer of a network is computing, by its path ("layer3.0.conv2"), while a profile is taken.
local profiler = require("scute.core").profiler
local join = require "scute.base.join_path"

local layers = {}

layers.MODEL = "(the model itself)" -- what a network does between its layers

-- A layer: its number in C, 0 where that has no room for it, and the layers in it by name.
local none = { path = "", number = 0, within = {} }
local at, outside = none, {} -- the layer that computes, and those around it
local profiles = 0

local function new_layer(path)
   return { path = path, number = profiler.layer(path ~= "" and path or layers.MODEL), within = {} }
end

local function within(layer, name)
   local known = layer.within[name] or new_layer(join(layer.path, name))
   layer.within[name] = known
   return known
end

local function go(layer)
   at = layer
   profiler.enter(layer.number)
end

local left = setmetatable({}, { __close = function() go(table.remove(outside) or none) end })

-- A module that computes from here on, until the value that is returned goes out of scope.
local function follow(module)
   local layer = within(at, rawget(module, "_name") or "")
   outside[#outside + 1] = at
   go(layer)
   return left
end

-- A coroutine that nobody went on with has never left its layer.
local function begin_anew()
   outside = {}
   go(none)
end

--- From here on, until as many calls of finish.
function layers.begin()
   if profiles == 0 then begin_anew() end
   profiles = profiles + 1
   require("scute.nn.module").follow(follow)
end

function layers.finish()
   profiles = profiles - 1
   if profiles == 0 then require("scute.nn.module").follow(nil) end
end

return layers
