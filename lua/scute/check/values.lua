-- What a file does with what scute gives it: fields and methods that are not there, options that are not taken, and values that
-- are written out and wrong.
local arguments = require "scute.check.arguments"
local asked = require "scute.check.asked"
local fields = require "scute.check.fields"
local known_in = require "scute.check.known"
local scute = require "scute"
local things = require "scute.repl.complete.things"

local values = {}

-- The name of the field that an Index asks for, and what it is of; nil where that is not known or an error may be meant.
local function field_of(known, node)
   local owner = known:thing(node[1])
   if not owner or node[2].tag ~= "String" or known_in.is_caught(node) then return nil end
   return node[2][1], owner
end

local function check_read(file, known, node)
   local name, owner = field_of(known, node)
   if not name or known:is_assigned(owner, name) then return end
   local mistake = fields.mistake(owner, name) or node.is_called and fields.library_mistake(owner, name)
   if mistake then file:find(node[2], mistake) end
end

-- Tables of options know their fields; what else is assigned is there from then on.
local function check_set(file, known, set)
   local name, owner = field_of(known, set.node)
   local declaration = name and fields.declaration(owner)
   local mistake = declaration and fields.mistake(owner, name)
   if mistake then
      file:find(set.node[2], mistake)
   elseif declaration and set.value then
      arguments.check_assigned(file, known, declaration, name, set.value)
   end
end

-- What the function itself says of them is asked where the declaration has nothing against them.
local function check_arguments(file, known, thing, call, first)
   local before = #file.findings
   arguments.check(file, known, thing, call, first)
   if #file.findings == before then asked.check(file, known, thing, call) end
end

local function check_method(file, known, call)
   local owner, name = known:thing(call[1]), call[2][1]
   if not owner then return end
   local mistake = not known:is_assigned(owner, name) and fields.method_mistake(owner, name)
   if mistake then file:find(call[2], mistake) end
   local method = things.method(owner, name)
   if method then check_arguments(file, known, method, call, 3) end
end

local function check_function(file, known, call)
   local called = known:thing(call[1])
   if not called then return end
   local _, mistake
   if called.value == scute.cli.parse then _, mistake = known:flags(call) end
   if type(mistake) == "table" and mistake.message then file:find(mistake.node, mistake.message) end
   check_arguments(file, known, called, call, 2)
end

--- Notes what is wrong in a file with that.
function values.check(file, known)
   for _, node in ipairs(file.found.fields) do check_read(file, known, node) end
   for _, set in ipairs(file.found.sets) do check_set(file, known, set) end
   for _, call in ipairs(file.found.calls) do
      local check = call.tag == "Call" and check_function or check_method
      if not known_in.is_caught(call) then check(file, known, call) end
   end
end

return values
