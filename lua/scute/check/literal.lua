-- Values that are written out in the text.
local literal = {}

local of = {}

function of.String(node) return node[1] end
function of.Number(node)
   local value = load("return " .. node[1], "=number", "t")
   return value and value() -- a number of another Lua is none here
end
of["True"] = function() return true end
of["False"] = function() return false end

--- The value of a node that is a text, a number, true or false; else nil.
function literal.constant(node)
   if node.tag == "Op" and node[1] == "unm" then
      local value = literal.constant(node[2])
      return type(value) == "number" and -value or nil
   end
   return of[node.tag] and of[node.tag](node)
end

--- The same, also of a variable that stands for one.
function literal.of(known, node)
   local behind = known:behind(node)
   return behind and literal.constant(behind)
end

-- ---- with tables and functions ----

local function a_function() end

--- What stands, one after the other, for values that the text does not tell: what is wrong with all of these is wrong.
literal.STAND_INS = { a_function, 1, "text", true }

local function is_function(known, node)
   local thing = node.tag ~= "Function" and known:thing(node)
   return not thing and node.tag == "Function" or thing and type(thing.value) == "function"
end

-- Whether nothing but the text says what is in the table that a name stands for.
local function is_as_written(node)
   local variable = node.tag ~= "Id" or node.variable
   return variable == true or variable and variable.writes == 0 and variable.leaks <= 1 and not variable.is_passed
end

local function table_of(known, node, stand_in)
   local made, n = {}, 0
   for _, part in ipairs(node) do
      local is_pair = part.tag == "Pair"
      n = is_pair and n or n + 1
      local key, value = n, part
      if is_pair then key, value = literal.constant(part[1]), part[2] end
      if key == nil then return nil end
      if value.tag ~= "Nil" then made[key] = literal.whole(known, value, stand_in) end
   end
   return made
end

--- The value of a node with functions and tables, in which stand_in stands for all that the text does not tell.
function literal.whole(known, node, stand_in)
   local behind, value = known:behind(node), nil
   if behind then value = literal.constant(behind) end
   if value ~= nil then return value end
   if behind and is_function(known, behind) then return a_function end
   if behind and behind.tag == "Table" and is_as_written(node) then value = table_of(known, behind, stand_in) end
   return value == nil and stand_in or value
end

return literal
