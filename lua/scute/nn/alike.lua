-- Whether a field of a module does in one module what it does in another: functions by where they are written, tensors by
-- their values, tables by what is in them. Layers are compared elsewhere.
local Module = require "scute.nn.module"

local is_plain = { number = true, string = true, boolean = true }

-- Whether what a function has from around it is the same, as far as that is plain.
local function has_same_upvalues(a, b)
   for i = 1, debug.getinfo(a, "u").nups do
      local _, mine = debug.getupvalue(a, i)
      local _, theirs = debug.getupvalue(b, i)
      if (is_plain[type(mine)] or is_plain[type(theirs)]) and mine ~= theirs then return false end
   end
   return true
end

local function is_same_function(a, b)
   local mine, theirs = debug.getinfo(a, "S"), debug.getinfo(b, "S")
   if mine.what == "C" or theirs.what == "C" then return false end
   return mine.source == theirs.source and mine.linedefined == theirs.linedefined and has_same_upvalues(a, b)
end

-- Two that lie on "shape" have no values. One that was freed is nothing that could be computed with.
local function is_same_tensor(a, b)
   if not pcall(a.numel, a) or not pcall(b.numel, b) then return true end
   if a.dtype ~= b.dtype or table.concat(a.shape, " ") ~= table.concat(b.shape, " ") then return false end
   if b.device == "shape" or a.device == "shape" then return true end
   local mine, theirs = a:detach():to "cpu", b:detach():to "cpu"
   local unlike <close> = mine:ne(theirs)
   return unlike:to("f32"):sum():item() == 0
end

local is_alike

local function is_same_table(a, b, same, seen)
   if seen[a] then return true end
   seen[a] = true
   for key, value in next, a do
      if not is_alike(value, b[key], same, seen) then return false end
   end
   for key in next, b do
      if a[key] == nil then return false end
   end
   return true
end

function is_alike(a, b, same, seen)
   if rawequal(a, b) or a ~= nil and b ~= nil and rawequal(same[a], b) then return true end
   if type(a) ~= type(b) then return false end
   if type(a) == "function" then return is_same_function(a, b) end
   if Module.is_tensor(a) then return Module.is_tensor(b) and is_same_tensor(a, b) end
   if type(a) ~= "table" then return not is_plain[type(a)] end
   if Module.is_module(a) or Module.is_module(b) then return Module.is_module(a) and Module.is_module(b) end
   return is_same_table(a, b, same, seen)
end

--- Whether two values do the same. same[a] = b says so of tensors: parameters and buffers at one place in two models.
return function(a, b, same)
   return is_alike(a, b, same, {})
end
