-- What each name in a file stands for: a variable or a global; and what is done where.
--
-- Of a tree as luacheck's parser makes it: an Id that is a variable gets it as `variable`, every call, index and function knows
-- the function that it stands in (`inside`); catches: a call that hears of errors, and a function that has one.
--    variable    { value = the expression that it begins with, is_empty = whether it begins with nothing, sets = how often it
--                is assigned after that, assigned = the last of these, leaks = how often its value goes where it may be
--                changed, writes = to its fields, is_passed = whether it is an argument, calls = those of it, parameter =
--                {of = the function, place} where it is one }
local names = {}

local Walk = {}
Walk.__index = Walk

-- ---- scopes ----

function Walk:open() self.scope = setmetatable({}, { __index = self.scope, outer = self.scope }) end

function Walk:close() self.scope = getmetatable(self.scope).outer end

function Walk:declare(id, value, is_empty)
   local variable = { value = value, is_empty = is_empty, sets = 0, leaks = 0, writes = 0, calls = {} }
   if value and value.tag == "Function" then value.called_by = variable end
   id.variable = variable
   rawset(self.scope, id[1], variable)
   return variable
end

-- The names of all variables that are known here.
local function visible(scope)
   local list, seen = {}, {}
   while scope do
      for name in next, scope do
         if not seen[name] then list[#list + 1], seen[name] = name, true end
      end
      scope = (getmetatable(scope) or {}).outer
   end
   table.sort(list)
   return list
end

function Walk:global(id, how, value)
   if how == "reads" and rawget(_G, id[1]) ~= nil then return end
   local list = self.found[how]
   list[#list + 1] = { name = id[1], node = id, inside = self.inside, value = value, visible = visible(self.scope),
      is_alternative = id.is_alternative }
end

-- ---- expressions ----

local expression = {}

-- role: "field" or "argument" where the value is looked at and stays what it is.
function Walk:expression(node, role)
   node.inside = self.inside
   local walk = expression[node.tag]
   if walk then return walk(self, node, role) end
   for _, part in ipairs(node) do
      if type(part) == "table" and part.tag then self:expression(part) end
   end
end

function Walk:expressions(list, role)
   for _, node in ipairs(list or {}) do self:expression(node, role) end
end

function expression.Id(self, node, role)
   local variable = self.scope[node[1]]
   node.variable = variable
   if variable then
      if not role then variable.leaks = variable.leaks + 1 end
   elseif not self.scope._ENV then
      self:global(node, "reads")
   end
end

-- What stands behind `or` is for a Lua, or a script, that has nothing in front of it.
function expression.Op(self, node)
   local last = node[#node]
   while last.tag == "Paren" do last = last[1] end
   last.is_alternative = node[1] == "or"
   for i = 2, #node do self:expression(node[i]) end
end

function expression.Index(self, node)
   self:expression(node[1], "field")
   self:expression(node[2])
   table.insert(self.found.fields, node)
end

function expression.Table(self, node)
   for _, part in ipairs(node) do
      local is_pair = part.tag == "Pair"
      if is_pair and part[2].tag == "Function" then part[2].field = { table = node, key = part[1] } end
      if is_pair then self:expressions(part) else self:expression(part) end
   end
end

-- Functions that hear of an error: pcall, and what tests that there is one.
local function catches(callee)
   local name = callee.tag == "Id" and callee[1] or callee.tag == "Index" and callee[2].tag == "String" and callee[2][1] or ""
   return name == "pcall" or name == "xpcall" or name:find "error" ~= nil
end

local function call(self, node, first)
   self:expression(node[1], "field")
   node.catches = catches(node[1])
   if node.catches and self.inside then self.inside.catches = true end
   node[1].is_called = true
   if node[1].variable and node.tag == "Call" then table.insert(node[1].variable.calls, node) end
   for i = first, #node do
      local argument = node[i]
      if argument.tag == "Function" or argument.tag == "Table" then argument.argument_of = node end
      self:expression(argument, "argument")
      if argument.variable then
         argument.variable.is_passed = true
         table.insert(self.found.arguments, { variable = argument.variable, call = node })
      end
   end
   table.insert(self.found.calls, node)
end

function expression.Call(self, node) call(self, node, 2) end

function expression.Invoke(self, node) call(self, node, 3) end

function expression.Function(self, node)
   local outer = self.inside
   table.insert(self.found.functions, node)
   self.inside = node
   self:open()
   for i, parameter in ipairs(node[1]) do
      if parameter.tag == "Id" then self:declare(parameter).parameter = { of = node, place = i } end
   end
   self:block(node[2])
   self:close()
   self.inside = outer
end

-- ---- statements ----

local statement = {}

function Walk:block(list)
   self:open()
   for _, node in ipairs(list) do
      local walk = statement[node.tag]
      node.is_statement = true
      if walk then walk(self, node) else self:expression(node) end
   end
   self:close()
end

function statement.Local(self, node)
   self:expressions(node[2])
   for i, id in ipairs(node[1]) do self:declare(id, node[2] and node[2][i], not node[2]) end
end

function statement.Localrec(self, node)
   self:declare(node[1][1], node[2][1])
   self:expressions(node[2])
end

-- What is assigned to, which is not read.
local function target(self, node, value)
   node.inside = self.inside
   if node.tag == "Index" then
      self:expression(node[1], "field")
      self:expression(node[2])
      local owner = node[1].variable
      if owner then owner.writes = owner.writes + 1 end
      table.insert(self.found.sets, { node = node, value = value })
      return
   end
   local variable = self.scope[node[1]]
   node.variable = variable
   if variable then
      variable.sets = variable.sets + 1
      variable.assigned = value
   elseif not self.scope._ENV then
      self:global(node, "writes", value)
   end
end

function statement.Set(self, node)
   for i, id in ipairs(node[1]) do
      local value = node[2][i]
      if value and value.tag == "Function" and id.tag == "Index" then value.field = { owner = id[1], key = id[2] } end
   end
   self:expressions(node[2])
   for i, id in ipairs(node[1]) do target(self, id, node[2][i]) end
end

function statement.Return(self, node) self:expressions(node) end

function statement.Do(self, node) self:block(node) end

function statement.While(self, node)
   self:expression(node[1])
   self:block(node[2])
end

-- What is local in the block is known in the condition.
function statement.Repeat(self, node)
   local block = table.move(node[1], 1, #node[1], 1, {})
   block[#block + 1] = node[2]
   self:block(block)
end

function statement.If(self, node)
   for _, part in ipairs(node) do
      if part.tag then self:expression(part) else self:block(part) end
   end
end

local function loop(self, ids, block)
   self:open()
   for _, id in ipairs(ids) do self:declare(id) end
   self:block(block)
   self:close()
end

function statement.Fornum(self, node)
   for i = 2, #node - 1 do self:expression(node[i]) end
   loop(self, { node[1] }, node[#node])
end

function statement.Forin(self, node)
   self:expressions(node[2])
   loop(self, node[1], node[3])
end

function statement.Goto() end
function statement.Label() end
function statement.Break() end

--- The name that a call of models.register gives to a model: from then on it is a field of scute.models.
function names.registers(node)
   local callee, name = node[1], node[2]
   local is_it = node.tag == "Call" and callee.tag == "Index" and callee[2][1] == "register" and name and name.tag == "String"
   return is_it and name[1] or nil
end

--- What is in a tree: {reads, writes = globals that are none of Lua's own, as {name, node, inside, value, visible,
-- is_alternative}, fields = Index nodes that are read, sets = {node = an Index, value}, calls, functions = nodes, arguments =
-- {variable, call}}.
function names.resolve(tree)
   local found = { reads = {}, writes = {}, fields = {}, sets = {}, calls = {}, arguments = {}, functions = {} }
   setmetatable({ found = found }, Walk):block(tree)
   return found
end

return names
