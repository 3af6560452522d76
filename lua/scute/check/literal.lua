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

return literal
