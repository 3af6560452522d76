-- What there is for users, found where it is and not in a list: the functions and types of C, the ops, the families (a file
-- each) with what is in them, the classes of modules, and the methods of what functions return.
local scute = require "scute"
local comments = require "scute.help.comments"
local public = require "scute.base.public"
local sorted_keys = require "scute.base.sorted_keys"

local inventory = {}

-- Classes of values that functions of the library return: the word that help() has for such a value, the module that defines
-- the class, and what the class is called there.
inventory.CLASSES = {
   { "schedule", "scute.schedule", "Schedule" }, { "optimizer", "scute.optim.optimizer", "Optimizer" },
   { "figure", "scute.plot.figure", "Figure" }, { "confusion", "scute.metrics", "Confusion" },
   { "mean", "scute.metrics", "Mean" }, { "roc", "scute.metrics.roc", "Roc" },
   { "calibration", "scute.metrics.calibration", "Calibration" }, { "plan", "scute.train.unfreeze", "Plan" },
   { "result", "scute.train.result", "Result" }, { "draw", "scute.train.sampling", "Draw" },
   { "draw", "scute.train.augmenting", "Draw" },
   { "lr_finder", "scute.train.lr_find", "Result" }, { "ctx", "scute.func", "Context" }, { "func", "scute.func", "Function" },
   { "gallery", "scute.reid.gallery", "Gallery" }, { "identified", "scute.reid.identify", "Identified" },
   { "trial", "scute.experiment.trial", "Trial" }, { "profile", "scute.profile.made", "Profile" },
   { "loss", "scute.losses.loss", "Loss" }, { "loss", "scute.reid.loss", "Loss" },
}

--- The word for values of a type of C: the name of the type, but for tensors, which are `t` in all texts.
function inventory.word_of(type_name)
   return type_name == "scute.tensor" and "t" or type_name:match "^scute%.(.*)"
end

-- Calls visit(name, class) for every class table that a function of this file, those that it uses, and methods of such classes
-- know by a name.
local function visit_classes(value, source, visit, seen)
   if type(value) ~= "function" or seen[value] or debug.getinfo(value, "S").source ~= source then return end
   seen[value] = true
   local i, name, held = 1, debug.getupvalue(value, 1)
   while name do
      visit_classes(held, source, visit, seen)
      if type(held) == "table" and rawget(held, "__index") == held and not seen[held] then
         seen[held] = true
         visit(name, held)
         for _, method in next, held do visit_classes(method, source, visit, seen) end
      end
      i = i + 1
      name, held = debug.getupvalue(value, i)
   end
end

--- The classes of objects that a module's functions know: name in the file -> class table.
function inventory.classes_in(module)
   local loaded, found = require(module), {}
   local path = scute.module_file(module)
   local function look(f)
      visit_classes(f, "@" .. path, function(name, class) found[name] = class end, {})
   end
   if type(loaded) == "function" then look(loaded) end
   for _, f in next, type(loaded) == "table" and loaded or {} do look(f) end
   return found
end

--- The names of a table's fields, sorted; hidden ones too, and those that it makes up when asked for them.
function inventory.names(t)
   local found = {}
   for key in next, t do
      if type(key) == "string" and key:find "^%a[%w_]*$" then found[key] = true end
   end
   for _, key in ipairs(public.names(t)) do found[key] = true end
   return sorted_keys(found)
end

--- The families of the library: names of the files in its folder.
function inventory.families()
   local names = comments.files(comments.folder())
   for i, name in ipairs(names) do
      if name == "init" then table.remove(names, i) break end
   end
   return names
end

--- The methods of a class that it does not have from its base, as name -> function.
function inventory.own_methods(class)
   local base = (getmetatable(class) or {}).__index
   local found = {}
   for name, value in next, class do
      local is_method = type(value) == "function" and type(name) == "string" and not name:find "^_"
      local inherited = type(base) == "table" and base[name] ~= nil
      if is_method and not inherited then found[name] = value end
   end
   return found
end

local function is_class(value)
   return type(value) == "table" and rawget(value, "class_name") ~= nil
end

-- True where a table hides a field of its own from users, else nil.
local function is_hidden(owner, name)
   return not public.is(owner, name) or nil
end

-- The methods of a class, for whose values there is a word.
local function add_methods(add, family, word, class_name, class)
   for name, f in next, inventory.own_methods(class) do
      add { name = word .. ":" .. name, kind = "method", family = family, value = f, class = class_name,
         hidden = is_hidden(class, name) }
   end
end

local function add_module_class(add, family, name, class)
   local full = family .. "." .. name
   add { name = full, kind = "class", family = family, value = class, class_name = class.class_name }
   add_methods(add, family, class.class_name:lower(), full, class)
end

-- Whether a table in a family is one of functions, and no class of objects.
local function is_listed(value)
   return type(value) == "table" and not getmetatable(value) and rawget(value, "__index") ~= value
end

local add_members

local function add_member(add, family, prefix, t, name)
   local full, value = prefix .. "." .. name, t[name]
   if is_class(value) then return add_module_class(add, family, name, value) end
   local models = family == "models" and rawget(scute.models, name) == nil
   add { name = full, kind = models and "model" or type(value) == "function" and "function" or "value", family = family,
      value = value, hidden = is_hidden(t, name) }
   if is_listed(value) then add_members(add, family, full, value) end
end

-- Functions are what is looked for in tables inside families: other fields of those are told by the tables themselves.
function add_members(add, family, prefix, t)
   for _, name in ipairs(inventory.names(t)) do
      if prefix == family or type(t[name]) == "function" then add_member(add, family, prefix, t, name) end
   end
end

local function add_families(add)
   for _, family in ipairs(inventory.families()) do
      local value = scute[family]
      add { name = family, kind = "family", value = value }
      if type(value) == "table" then add_members(add, family, family, value) end
   end
end

local function add_ops(add)
   for _, name in ipairs(scute.ops()) do
      add { name = name, kind = "op", value = scute[name], hidden = is_hidden(scute, name) }
   end
end

local function add_core(add, known)
   for _, name in ipairs(sorted_keys(scute)) do
      local value = rawget(scute, name)
      if not known[name] and type(value) == "function" then
         add { name = name, kind = "function", value = value, hidden = is_hidden(scute, name) }
      elseif not known[name] and type(value) == "table" then
         local hidden = is_hidden(scute, name)
         add { name = name, kind = "family", value = value, hidden = hidden }
         for _, key in ipairs(inventory.names(value)) do
            local f = value[key]
            add { name = name .. "." .. key, kind = type(f) == "function" and "function" or "value", family = name, value = f,
               hidden = hidden or is_hidden(value, key) }
         end
      end
   end
end

-- Ops that are methods too are there as ops.
local function add_types(add)
   local is_op = {}
   for _, name in ipairs(scute.ops()) do is_op[name] = true end
   for type_name, meta in next, debug.getregistry() do
      if type(type_name) == "string" and type_name:find "^scute%." and type(meta) == "table" then
         local word, index = inventory.word_of(type_name), rawget(meta, "__index")
         for name, f in next, rawget(meta, "methods") or type(index) == "table" and index or {} do
            local is_known = word == "t" and is_op[name]
            if not is_known then add { name = word .. ":" .. name, kind = "method", value = f, class = word } end
         end
         for _, name in ipairs(rawget(meta, "properties") or {}) do
            add { name = word .. "." .. name, kind = "field", class = word }
         end
      end
   end
end

local function add_classes(add)
   for _, entry in ipairs(inventory.CLASSES) do
      local family = entry[2]:match "^scute%.([%w_]+)"
      add_methods(add, family, entry[1], entry[1], assert(inventory.classes_in(entry[2])[entry[3]], entry[3]))
   end
end

--- Everything, as a list of { name, kind, value, family, class, hidden } sorted by name; each name once.
--    kind     "family", "op", "function", "model", "class" (of modules), "method", "field" or "value"
--    family   of what is in one; class: of a method or field the class, or the word for such a value
--    hidden   true for what only the library calls (see scute.base.public), else nil
function inventory.list()
   local list, known = {}, {}
   local function add(entry)
      if known[entry.name] then return end
      known[entry.name] = true
      list[#list + 1] = entry
   end
   add_ops(add)
   add_families(add)
   add_core(add, known)
   add_types(add)
   add_classes(add)
   table.sort(list, function(a, b) return a.name < b.name end)
   return list
end

return inventory
