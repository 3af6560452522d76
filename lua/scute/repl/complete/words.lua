-- Words in quotes that a function takes as its first argument: models, parts of a model, topics of help.
local kinds = require "scute.repl.complete.kinds"
local public = require "scute.base.public"
local scute = require "scute"
local session = require "scute.help.session"
local sorted_keys = require "scute.base.sorted_keys"
local things = require "scute.repl.complete.things"

local words = {}

-- ---- topics ----

local function add_members(list, prefix, names)
   for _, name in ipairs(names) do list[#list + 1] = prefix .. name end
end

-- The methods of a variable, or where there is none of that name those of tensors for "t" and "tensor".
local function methods(name)
   local value = rawget(_G, name)
   if value ~= nil then return sorted_keys(things.names(things.of(value), true)) end
   return (name == "t" or name == "tensor") and public.names(kinds.methods "tensor") or {}
end

--- What help() knows and goes on from `start`: ops, families and their members, methods, what the session has.
function words.topics(start)
   local list = { "ops" }
   add_members(list, "", public.names(scute))
   for _, entry in ipairs(session.list()) do list[#list + 1] = entry.name end
   local family, mark = start:match "^([%w_.]+)([.:])[%w_]*$"
   if mark == ":" then
      add_members(list, family .. ":", methods(family))
   elseif family and public.is(scute, family) then
      local ok, value = pcall(function() return scute[family] end)
      if ok and type(value) == "table" then add_members(list, family .. ".", public.names(value)) end
   end
   return list
end

-- ---- parts of a model ----

local function child_names(module)
   return type(module) == "table" and rawget(module, "_child_names") or {}
end

local function child_of(module, name)
   return type(module) == "table" and (rawget(module, "_children") or {})[name] or nil
end

-- The modules below the one that `start` has come to, "layer1." or "layer1.0.", by path; before all the groups of a model.
local function parts(thing, start)
   local module, prefix, list = thing.of and thing.of.value, start:match "^(.*%.)" or "", {}
   for name in prefix:gmatch "([^.]*)%." do module = child_of(module, name) end
   for _, name in ipairs(child_names(module)) do list[#list + 1] = prefix .. name end
   local groups = prefix == "" and child_names(module)[1] and rawget(module, "declared_groups")
   for _, group in ipairs(groups or {}) do list[#list + 1] = group[1] end
   if groups then list[#list + 1] = "backbone" end
   return list
end

-- ---- by what is called ----

local BY_METHOD = { freeze = parts, unfreeze = parts, unfreeze_only = parts, get = parts }

-- Functions of scute.models that take the name of one first.
local OF_MODELS = { "create", "info", "summary" }

--- The words that what is called may take in quotes; nil where it takes any text.
function words.of(thing, start)
   if thing == nil then return nil end
   if thing.method then return BY_METHOD[thing.method] and BY_METHOD[thing.method](thing, start) end
   if type(thing.value) ~= "function" then return nil end
   if thing.value == rawget(_G, "help") then return words.topics(start) end
   for _, name in ipairs(rawget(scute, "models") and OF_MODELS or {}) do
      if thing.value == rawget(scute.models, name) then return scute.models.list() end
   end
end

return words
