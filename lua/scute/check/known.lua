-- What an expression stands for, as far as that is known without running it: a thing as scute.repl.complete.things has them.
local architectures = require "scute.nn.architectures"
local flags = require "scute.check.flags"
local literal = require "scute.check.literal"
local options = require "scute.base.options"
local scute = require "scute"
local strict = require "scute.base.strict"
local things = require "scute.repl.complete.things"

local known = {}

local Known = {}
Known.__index = Known

-- The expression that a variable stands for: what is assigned to it, once.
local function only_value(variable)
   if variable.sets == 0 then return variable.value end
   if variable.sets == 1 and variable.is_empty then return variable.assigned end
end

-- What a name was assigned: an expression; the name itself where it is one of Lua's own; nil where that is not known.
local function assigned_to(self, id)
   if id.variable then return only_value(id.variable) end
   local global = self.globals[id[1]]
   if not global then return id end
   return global.count == 1 and global.value or nil
end

local MOST_NAMES = 50 -- one for the other: x = x leads nowhere

--- The expression that a node stands for, where it is a name.
function Known:behind(node)
   for _ = 1, MOST_NAMES do
      local is_name = node and node.tag == "Id"
      if not is_name and not (node and node.tag == "Paren") then return node end
      local before = node
      if is_name then node = assigned_to(self, node) else node = node[1] end
      if node == before then return node end
   end
end

-- ---- calls ----

-- A strict table of options as a thing.
local function strict_of(declaration)
   return things.of(declaration:strict {})
end

-- Stands for context.options, which each run has of its own.
local function context_options() end

-- What some functions give, which no declaration tells: function -> function(self, call) -> thing.
local function special()
   return {
      [scute.cli.parse] = function(self, call)
         local declaration = self:flags(call)
         return declaration and strict_of(declaration)
      end,
      [scute.train.options] = function() return strict_of(options.of(scute.train.fit)) end,
      [context_options] = function() return strict_of(options.of(scute.train.fit)) end,
      [scute.experiment.options] = function() return strict_of(options.of(scute.experiment)) end,
      [scute.best_practices.options] = function() return strict_of(options.of(scute.experiment)) end,
   }
end

--- What a call of cli.parse declares; nil where that is not known. The second result is what is wrong with it.
function Known:flags(call)
   local read = self.parsed[call]
   if not read then
      local ok, declaration = pcall(flags.read, self, call[4])
      read = { declaration = ok and declaration or nil, mistake = not ok and declaration or nil }
      self.parsed[call] = read
   end
   return read.declaration, read.mistake
end

-- What `require "scute"`, or a family of it, gives.
local function required(call)
   local name = call[1].tag == "Id" and not call[1].variable and call[1][1] == "require" and call[2]
   local module = name and name.tag == "String" and name[1]
   if module == "scute" then return things.of(scute) end
   for _, family in ipairs(module and strict.families() or {}) do
      if module == "scute." .. family then return things.of(scute[family]) end
   end
end

-- The architecture that a call makes a model of, where the text names one of scute's own.
local function architecture(self, callee, node)
   local name
   if callee.value == scute.models.create then
      name = node[2] and literal.of(self, node[2])
   elseif node[1].tag == "Index" then
      name = literal.constant(node[1][2])
   end
   local entry = type(name) == "string" and architectures.get(name)
   return entry and not entry.own and name or nil
end

function Known:call(node)
   local module = required(node)
   if module then return module end
   local callee = self:thing(node[1])
   if not callee then return nil end
   self.special = self.special or special()
   local make = callee.value ~= nil and self.special[callee.value]
   if make then return make(self, node) end
   local result = things.result(callee)
   if not result or result.kind ~= "model" then return result end
   return { kind = "model", arch = architecture(self, callee, node) }
end

-- ---- expressions ----

local of = {}

-- Whether a function is the `run` of an experiment: among its options where they are written out or assigned.
local function is_run_of_experiment(self, f)
   local field = f.field
   if not field or field.key.tag ~= "String" or field.key[1] ~= "run" then return false end
   local call = field.table and field.table.argument_of
   local callee = call and self:thing(call[1])
   if callee then return callee.value == scute.experiment end
   local owner = field.owner and self:thing(field.owner)
   return owner ~= nil and options.declaration_of(owner.value) == options.of(scute.experiment)
end

-- What an experiment gives to its run beside the variant.
local function given_to_run(self, parameter)
   if parameter.place ~= 2 or not is_run_of_experiment(self, parameter.of) then return nil end
   return things.of { options = context_options }
end

local function are_alike(a, b)
   return a.value == b.value and a.kind == b.kind and a.class == b.class and a.arch == b.arch
end

-- What all calls of a local function give it, where it is only called.
local function given_by_calls(self, parameter)
   local f, given = parameter.of.called_by, nil
   if not f or f.sets + f.leaks > 0 or f.is_passed then return nil end
   for _, call in ipairs(f.calls) do
      local argument = call[1 + parameter.place]
      local thing = argument and self:thing(argument)
      if not thing or given and not are_alike(thing, given) then return nil end
      given = thing
   end
   return given
end

function of.Id(self, node)
   local variable = node.variable
   if variable and variable.parameter and variable.sets == 0 then
      return given_to_run(self, variable.parameter) or given_by_calls(self, variable.parameter)
   end
   local value = self:behind(node)
   if value == nil then return nil end
   if value.tag ~= "Id" then return self:thing(value) end
   return things.of(rawget(_G, value[1]))
end

function of.Paren(self, node) return self:thing(node[1]) end

function of.String(_, node) return things.of(node[1]) end

function of.Index(self, node)
   local owner, key = self:thing(node[1]), node[2]
   if not owner or key.tag ~= "String" or self:is_assigned(owner, key[1]) then return nil end
   return things.field(owner, key[1])
end

function of.Call(self, node) return self:call(node) end

function of.Invoke(self, node)
   local owner = self:thing(node[1])
   local method = owner and not self:is_assigned(owner, node[2][1]) and things.method(owner, node[2][1])
   local result = method and things.result(method)
   local is_guess = result and owner.kind == "image" and result.kind == "image" -- good enough for completion
   return not is_guess and result or nil
end

function of.Op(self, node)
   if #node < 3 or node[1] == "and" or node[1] == "or" then return nil end
   local sign = ({ add = "+", sub = "-", mul = "*", div = "/", pow = "^", concat = ".." })[node[1]]
   return sign and things.operated(sign, self:thing(node[2]), self:thing(node[3]))
end

--- What a node stands for; nil where that is not known.
function Known:thing(node)
   local things_of = self.things
   if things_of[node] == nil then
      things_of[node] = false -- of what leads back to itself nothing is known
      things_of[node] = of[node.tag] and of[node.tag](self, node) or false
   end
   return things_of[node] or nil
end

--- Whether some file assigns a field of that name to a thing, or to one that may be it.
function Known:is_assigned(owner, name)
   for _, node in ipairs(self.assigned[name] or {}) do
      local other = self:thing(node[1])
      local is_options = other and options.declaration_of(other.value) ~= nil
      if other and other.value ~= nil and other.value == owner.value then return true end
      if owner.kind == "text" and other and other.value == string then return true end
      if owner.value == nil and not is_options then return true end
   end
   return false
end

-- Whether who calls a function hears of its errors: pcall, or a local function that has such a call.
local function is_heard(call)
   local variable = call[1].variable
   return call.catches or variable and variable.value and variable.value.catches
end

--- Whether an error at a node is caught: then it may be meant.
function known.is_caught(node)
   local inside = node.inside
   while inside do
      if inside.argument_of and is_heard(inside.argument_of) then return true end
      inside = inside.inside
   end
   return false
end

--- What is known in files: globals = name -> {count, value} of those that they assign; assigned = name -> list of the Index
-- nodes of that name that they assign; arguments = all {variable, call}.
function known.new(globals, assigned, arguments)
   return setmetatable({ globals = globals, assigned = assigned, arguments = arguments, things = {}, parsed = {} }, Known)
end

return known
