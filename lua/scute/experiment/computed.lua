-- Modules and networks that code asks for by a name that its text does not say: `require(kind .. "_head")`,
-- `models.create(name)`, `models[name]`. A name that is a value from outside, as `opt.model`, or an option of the variant is
-- known.
local tokens = require "scute.base.tokens"

local computed = {}

local MOST_VARIABLES = 250 -- of a function
local CALLS = { require = "modules", create = "networks", models = "index" }

-- What the function knows from outside: name -> value.
local function outside(f)
   local values = {}
   for i = 1, MOST_VARIABLES do
      local name, value = debug.getupvalue(f, i)
      if not name then break end
      values[name] = value
   end
   return values
end

-- The calls by the names that this function has for them.
local function calls_of(values)
   local models, names = package.loaded["scute.models"], setmetatable({}, { __index = CALLS })
   for name, value in next, values do
      if value == require then names[name] = "modules" end
      if models and rawequal(value, models) then names[name] = "index" end
      if models and rawequal(value, rawget(models, "create")) then names[name] = "networks" end
   end
   return names
end

local function is_assigned(list, name)
   for i, token in ipairs(list) do
      if token.text == name and tokens.is(list[i + 1], "=") and not tokens.is(list[i - 1], ".") then return true end
   end
   return false
end

-- Whether it is known what a variable, or a field of it, stands for.
local function is_value(self, name, has_fields)
   local environment = self.values._ENV
   local known = self.values[name] ~= nil or type(environment) == "table" and rawget(environment, name) ~= nil
      or has_fields and name == self.variant
   return known and not is_assigned(self.list, name)
end

local function ends(token)
   return tokens.is(token, ")") or tokens.is(token, "]") or tokens.is(token, ",")
end

-- Whether the name that begins at a place is known.
local function is_known(self, at)
   local list, first = self.list, self.list[at]
   if not first or first.kind ~= "text" and first.kind ~= "name" then return false end
   local last = at
   while first.kind == "name" and tokens.is(list[last + 1], ".") do last = last + 2 end
   if not ends(list[last + 1]) then return false end
   return first.kind == "text" or is_value(self, first.text, last > at)
end

-- Whether a call, or a function that is passed on, at a place may get a name that is not known.
local function is_computed(self, i, kind)
   local list, after = self.list, self.list[i + 1]
   if kind == "index" then return tokens.is(after, "[") and not is_known(self, i + 2) end
   if tokens.is(after, "=") or tokens.is(list[i - 1], ".") and list[i - 2].text == "coroutine" then return false end
   if after and after.kind == "text" then return false end
   return not ((tokens.is(after, "(") or tokens.is(after, ",")) and is_known(self, i + 2))
end

--- What a function asks for by names that are not known: whether modules, and whether networks. list: its tokens; is_run: its
-- first parameter is the variant.
function computed.by(f, list, is_run)
   local values, found = outside(f), {}
   local self = { list = list, values = values, variant = is_run and debug.getlocal(f, 1) or nil }
   local calls = calls_of(values)
   for i, token in ipairs(list) do
      local kind = token.kind == "name" and calls[token.text]
      if kind and is_computed(self, i, kind) then found[kind == "index" and "networks" or kind] = true end
   end
   return found.modules or false, found.networks or false
end

return computed
