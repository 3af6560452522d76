-- Which names of a family, a class or a type are for users: what completion proposes and help() tells of. All are, but those
-- that begin with "_" or are not words, and those that their own file hides because only the library calls them:
--
--    public.hide(Module, "observed", "tell", "within")
--
-- or that only who writes a class asks for, and nobody of its objects:
--
--    public.keep_to_class(Module, "build", "extend")
--
-- A family that makes its fields up when they are asked for says which there are:
--
--    public.offer(models, models.list)
local public = {}

local hidden = setmetatable({}, { __mode = "k" }) -- table -> {name = true}
local of_class = setmetatable({}, { __mode = "k" }) -- class -> {name = true}
local offered = setmetatable({}, { __mode = "k" }) -- table -> function that returns a list of names

local function add(to, owner, ...)
   local names = to[owner] or {}
   to[owner] = names
   for _, name in ipairs { ... } do names[name] = true end
end

--- Hides names of a table, and of what derives from it.
function public.hide(owner, ...)
   add(hidden, owner, ...)
end

--- Hides names of a class, and of those that derive from it, in their objects.
function public.keep_to_class(class, ...)
   add(of_class, class, ...)
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

--- Whether the name of a field or method of a table is for users. in_object: of an object of that class.
function public.is(owner, name, in_object)
   if type(name) ~= "string" or not name:find "^%a[%w_]*$" then return false end
   local depth = 0
   while owner and depth < 20 do
      if hidden[owner] and hidden[owner][name] then return false end
      if in_object and of_class[owner] and of_class[owner][name] then return false end
      owner, depth = base_of(owner), depth + 1
   end
   return true
end

--- The names for users of a table and of what it derives from, sorted; in_object: those that objects of that class have. No
-- code of the user's runs.
function public.names(owner, in_object)
   local found, list = {}, {}
   local function note(name)
      if found[name] == nil then
         found[name] = public.is(owner, name, in_object)
         if found[name] then list[#list + 1] = name end
      end
   end
   local from, depth = owner, 0
   while from and depth < 20 do
      for name in next, from do note(name) end
      for _, name in ipairs(offered[from] and offered[from]() or {}) do note(name) end
      from, depth = base_of(from), depth + 1
   end
   table.sort(list)
   return list
end

return public
