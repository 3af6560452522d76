-- Which names of a family, a class or a type are for users: what completion proposes and help() tells of. All are, but those
-- that begin with "_" or are not words, and those that their own file hides because only the library calls them:
--
--    public.hide(Module, "observed", "tell", "within")
--
-- A family that makes its fields up when they are asked for says which there are:
--
--    public.offer(models, models.list)
local public = {}

local hidden = setmetatable({}, { __mode = "k" }) -- table -> {name = true}
local offered = setmetatable({}, { __mode = "k" }) -- table -> function that returns a list of names

--- Hides names of a table, and of what derives from it.
function public.hide(owner, ...)
   local names = hidden[owner] or {}
   hidden[owner] = names
   for _, name in ipairs { ... } do names[name] = true end
end

--- Says which names a table has beside its own keys.
function public.offer(owner, list)
   offered[owner] = list
end

-- The table that another one takes its fields from.
local function base_of(owner)
   local meta = debug.getmetatable(owner)
   local base = type(meta) == "table" and rawget(meta, "__index")
   return type(base) == "table" and base or nil
end

--- Whether the name of a field or method of a table is for users.
function public.is(owner, name)
   if type(name) ~= "string" or not name:find "^%a[%w_]*$" then return false end
   local depth = 0
   while owner and depth < 20 do
      if hidden[owner] and hidden[owner][name] then return false end
      owner, depth = base_of(owner), depth + 1
   end
   return true
end

--- The names for users of a table and of what it derives from, sorted. No code of the user's runs.
function public.names(owner)
   local found, list = {}, {}
   local function add(name)
      if found[name] == nil then
         found[name] = public.is(owner, name)
         if found[name] then list[#list + 1] = name end
      end
   end
   local from, depth = owner, 0
   while from and depth < 20 do
      for name in next, from do add(name) end
      for _, name in ipairs(offered[from] and offered[from]() or {}) do add(name) end
      from, depth = base_of(from), depth + 1
   end
   table.sort(list)
   return list
end

return public
