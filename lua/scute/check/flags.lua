-- The flags that a script declares to cli.parse, where the text alone says them: tables that are written out, and what scute's
-- own functions make of these and of cli.common.
local console = require "scute.base.console"
local literal = require "scute.check.literal"
local options = require "scute.base.options"
local scute = require "scute"

local flags = {}

local UNKNOWN = {} -- raised where the text does not say it

local own = setmetatable({}, { __mode = "k" }) -- tables that scripts write out

local evaluate

local function a_function() end -- a function of the script's, which is never called

-- What scute says of them is what is wrong at a node.
local function refuse(node, problem)
   error({ node = node, message = console.message(problem) }, 0)
end

-- The functions that may be called: they only look at what they are given.
local function is_plain(f)
   local cli = scute.cli
   return f == cli.pick or f == cli.flags or f == cli.changed or f == table.unpack or f == table.concat
end

local function is_parse(known, call)
   local callee = known:thing(call[1])
   return callee and callee.value == scute.cli.parse
end

-- Whether a variable is what it was written as: nothing changes its fields.
local function is_kept(known, variable)
   if variable.sets > 0 or variable.leaks > 0 or variable.writes > 0 then return false end
   for _, argument in ipairs(known.arguments) do
      if argument.variable == variable then
         local callee = known:thing(argument.call[1])
         if not (callee and is_plain(callee.value)) and not is_parse(known, argument.call) then return false end
      end
   end
   return true
end

local of = {}

function of.Nil() return nil end
function of.Function() return a_function end
function of.Paren(known, node) return (evaluate(known, node[1])) end

function of.Table(known, node)
   local result, n = {}, 0
   own[result] = true
   for i, part in ipairs(node) do
      if part.tag == "Pair" then
         result[evaluate(known, part[1])] = evaluate(known, part[2])
      elseif i == #node then
         local last = table.pack(evaluate(known, part))
         table.move(last, 1, last.n, n + 1, result)
      else
         n = n + 1
         result[n] = evaluate(known, part)
      end
   end
   return result
end

function of.Op(known, node)
   if node[1] ~= "concat" then error(UNKNOWN, 0) end
   return evaluate(known, node[2]) .. evaluate(known, node[3])
end

function of.Id(known, node)
   local variable = node.variable
   if variable and variable.value and variable.value.tag == "Table" then
      if not is_kept(known, variable) then error(UNKNOWN, 0) end
      return (evaluate(known, variable.value))
   end
   local thing = known:thing(node)
   if not thing or thing.value == nil then error(UNKNOWN, 0) end
   return thing.value
end

function of.Index(known, node)
   local owner, key = evaluate(known, node[1]), evaluate(known, node[2])
   if type(owner) ~= "table" then error(UNKNOWN, 0) end
   local ok, value = pcall(function() return owner[key] end)
   if not ok or value == nil then error(UNKNOWN, 0) end
   return value
end

function of.Call(known, node)
   local callee = known:thing(node[1])
   if not callee or not is_plain(callee.value) then error(UNKNOWN, 0) end
   local given, n = {}, 0
   for i = 2, #node do
      local values = table.pack(evaluate(known, node[i]))
      for k = 1, i == #node and values.n or 1 do
         n = n + 1
         given[n] = values[k]
      end
   end
   local results = table.pack(pcall(callee.value, table.unpack(given, 1, n)))
   if not results[1] then refuse(node, results[2]) end
   return table.unpack(results, 2, results.n)
end

function evaluate(known, node)
   local value = node and literal.constant(node)
   if value ~= nil then return value end
   if not node or not of[node.tag] then error(UNKNOWN, 0) end
   return of[node.tag](known, node)
end

--- The declaration of the flags that an expression lists. Raises {node, message} where they are refused, anything else where
-- the text does not say them.
function flags.read(known, node)
   local list = evaluate(known, node)
   if type(list) ~= "table" then error(UNKNOWN, 0) end
   local ok, declaration = pcall(options.declare, "command line", list)
   return ok and declaration or refuse(node, declaration)
end

--- Whether a flag is declared by a script, and not by scute.
function flags.is_own(entry)
   return own[entry] ~= nil
end

return flags
