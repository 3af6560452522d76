-- The annotations against what they are made of, read back from the text: every public name, parameter, type, default and
-- choice, what functions return, and the grammar of each line.
local lfs = require "lfs"
local options = require "scute.base.options"
local public = require "scute.base.public"
local scute = require "scute"
local surplus = require "scute.base.surplus"

-- ---- reading them back ----

-- A type: what is left of the text after it; nil where there is none.
local type_at

local function one_type(text)
   local rest = text:match '^"[^"]*"(.*)' or text:match "^[%a_][%w_.]*(.*)"
   while rest and rest:find "^%[%]" do rest = rest:sub(3) end
   return rest and (rest:gsub("^%?", ""))
end

function type_at(text)
   local rest = one_type(text)
   while rest and rest:find "^|" do rest = one_type(rest:sub(2)) end
   return rest
end

local function is_followed_by_text(rest)
   return rest ~= nil and (rest == "" or rest:find "^ %S" ~= nil)
end

-- "x: T, y?: T, ..." of an overload.
local function are_parameters(text)
   for part in text:gmatch "[^,]+" do
      local name, type = part:match "^%s*([%a_.][%w_.]*)%??: (.+)$"
      if not name or type_at(type) ~= "" then return false end
   end
   return true
end

-- A type, or several of an overload.
local function are_types(text)
   for part in (text .. ", "):gmatch "(.-), " do
      if type_at(part) ~= "" then return false end
   end
   return true
end

-- How each annotation goes on.
local GRAMMAR = {
   meta = function(rest) return rest:find "^[%w_.]+$" end,
   class = function(rest) return rest:find "^scute[%w_.]*$" or rest:find "^scute[%w_.]* : scute[%w_.]+$" end,
   field = function(rest)
      local type = rest:match "^[%a_][%w_]*%?? (.*)" or rest:match "^%[%a+%] (.*)"
      return type and is_followed_by_text(type_at(type))
   end,
   param = function(rest)
      local type = rest:match "^[%a_][%w_]*%?? (.*)" or rest:match "^%.%.%. (.*)"
      return type and is_followed_by_text(type_at(type))
   end,
   ["return"] = function(rest) -- a type, and maybe a name
      local name = type_at(rest)
      return name == "" or name and name:find "^ [%a_]+$"
   end,
   generic = function(rest) return rest == "T" end,
   operator = function(rest)
      local operand, result = rest:match "^%l+(%b()): (.+)$"
      if not operand then result = rest:match "^%l+: (.+)$" end
      return result and type_at(result) == "" and (not operand or type_at(operand:sub(2, -2)) == "")
   end,
   overload = function(rest)
      local parameters, result = rest:match "^fun(%b())(.*)$"
      return parameters and are_parameters(parameters:sub(2, -2))
         and (result == "" or are_types(result:match "^: (.*)" or " "))
   end,
}

-- Reads a file: adds its classes (name -> {fields = {name -> {type, optional, text}}, parent, functions = {name -> {parameters,
-- types, returns}}}). The class of a function is that of the table in which it is defined.
local function read(path, classes, check)
   local current, by_variable, pending, meta = nil, {}, { types = {} }, nil
   local number = 0
   for line in io.lines(path) do
      number = number + 1
      local tag, rest = line:match "^%-%-%-%s*@(%a+) ?(.*)$"
      if tag then
         check(GRAMMAR[tag] and GRAMMAR[tag](rest), ("%s:%d: the grammar of LuaCATS"):format(path, number), line)
      end
      if tag == "meta" then meta = rest end
      if tag == "class" then
         local name, parent = rest:match "^(%S+) ?:? ?(%S*)$"
         check(not classes[name], name .. " is declared once")
         current = { fields = {}, functions = {}, parent = parent }
         classes[name] = current
      elseif tag == "field" then
         local name, mark, type = rest:match "^(%S-)(%??) (.*)"
         local after = type_at(type)
         current.fields[name] = { type = type:sub(1, #type - #after), optional = mark == "?", text = after }
      elseif tag == "param" then
         local name, mark, type = rest:match "^(%S-)(%??) (.*)"
         local after = type_at(type)
         pending.types[name] = { type = type:sub(1, #type - #after), optional = mark == "?", text = after }
      elseif tag == "return" then
         pending.returns = pending.returns and pending.returns .. ", " .. rest or rest
      elseif not tag then
         local variable = line:match "^local ([%w_.]+) = {}$" or line:match "^([%w_.]+) = {}$"
         if variable then by_variable[variable] = current end
         local owner, mark, name, parameters = line:match "^function ([%w_.]+)([.:])([%w_]+)%((.-)%) end$"
         if owner then
            local class = by_variable[owner]
            check(class and not class.functions[name], ("%s: %s%s%s is defined once"):format(path, owner, mark, name))
            pending.parameters = parameters
            if class then class.functions[name] = pending end
            pending = { types = {} }
         elseif line == "" then
            pending = { types = {} }
         end
      end
   end
   check(loadfile(path, "t"), path .. " is Lua")
   return meta
end

-- Every type that is spoken of: visit(name).
local function types_in(path, visit)
   for line in io.lines(path) do
      local tag, rest = line:match "^%-%-%-@(%l+) (.*)$"
      local type = tag == "field" and rest:match "^%S+ (%S+)" or tag == "param" and rest:match "^%S+ (%S+)"
         or tag ~= "meta" and tag ~= "generic" and rest
      for name in (type or ""):gsub('"[^"]*"', ""):gmatch "scute[%w_.]*" do visit(name) end
   end
end

local function files_below(folder, visit)
   for name in lfs.dir(folder) do
      local path = folder .. "/" .. name
      if name:find "%.lua$" then visit(path)
      elseif not name:find "^%." then files_below(path, visit) end
   end
end

-- ---- what has to be there, looked up where it is ----

local function parameters_of(f)
   local info, names = debug.getinfo(f, "u"), {}
   for i = 1, info.nparams do names[i] = debug.getlocal(f, i) end
   if surplus.is_shown(f, info) then names[#names + 1] = "..." end
   return names, options.of(f)
end

-- The ops that are for users.
local function visible_ops()
   local names = {}
   for _, name in ipairs(scute.ops()) do
      if public.is(scute, name) then names[#names + 1] = name end
   end
   return names
end

return function(cli)
   local check = cli.check
   local folder = arg[-1]:match "^(.*)/" .. "/share/scute/annotations"
   local classes = {}
   files_below(folder, function(path)
      local meta = read(path, classes, check)
      check(meta == path:sub(#folder + 2, -5):gsub("/", "."), path .. " says which module it is about", meta)
   end)

   files_below(folder, function(path)
      types_in(path, function(name) check(classes[name], ("%s: %s is a class"):format(path, name)) end)
   end)

   local function function_of(class, name)
      local found = classes[class] and classes[class].functions[name]
      check(found, ("%s has %s"):format(class, name))
      return found or { types = {}, parameters = "", returns = "" }
   end

   -- An op's parameters, types and defaults.
   local OF_KIND = { tensor = "scute.Tensor", int = "integer", number = "number", bool = "boolean", dimension = "integer" }
   local methods = debug.getmetatable(scute.zeros(1)).methods
   for _, name in ipairs(visible_ops()) do
      local info, found = scute.op_info(name), function_of("scute", name)
      local names, results = table.concat(info.params, ", "), {}
      for i, result in ipairs(info.results) do
         results[i] = ("scute.Tensor%s %s"):format(result.optional and "?" or "", result.name)
      end
      check(#results == 0 or found.returns == table.concat(results, ", "), "what " .. name .. " returns", found.returns)
      check(found.parameters == names or found.parameters == names .. ", ...", "the parameters of " .. name, found.parameters)
      if methods[name] then
         local method = function_of("scute.Tensor", name)
         check(("x, " .. method.parameters):gsub(", $", ""):gsub("^x", info.params[1]) == found.parameters,
            "the parameters of t:" .. name, method.parameters)
      end
      for _, argument in ipairs(info.arguments) do
         local param = found.types[argument.name] or {}
         local type = OF_KIND[argument.kind]
         if argument.choices then type = '"' .. table.concat(argument.choices, '"|"') .. '"' end
         check(param.type and (not type or param.type == type) and param.optional == argument.optional,
            ("%s: the type of %s"):format(name, argument.name), param.type)
         check(argument.default == nil or param.text:find("default " .. tostring(argument.default), 1, true),
            ("%s: the default of %s"):format(name, argument.name), param.text)
      end
   end
   for name in pairs(methods) do
      if public.is(scute, name) and public.is(methods, name) then function_of("scute.Tensor", name) end
   end

   -- Options: the class of a function's last parameter, against the declaration.
   local function has_options(what, class, declaration)
      local fields = (classes[class] or { fields = {} }).fields
      for name in pairs(fields) do check(declaration.by_name[name], ("%s: %s is an option"):format(what, name)) end
      for _, entry in ipairs(declaration.entries) do
         local field = fields[entry[1]]
         if check(field, ("%s: the option %s is there (%s)"):format(what, entry[1], class)) then
            local type = entry.whole and "integer" or entry.number and "number" or entry.flag and "boolean"
            if what:find "^nn%." or what:find "^train%." then
               check(field.type ~= "any", ("%s: the type of %s is known"):format(what, entry[1]))
            end
            if entry.choices then type = '"' .. table.concat(options.choices_of(entry), '"|"') .. '"' end
            check(not type or field.type == type, ("%s: the type of %s"):format(what, entry[1]), field.type)
            local default = options.default_text(entry)
            check(not default or field.text:find("default " .. default, 1, true),
               ("%s: the default of %s"):format(what, entry[1]), field.text)
            check(entry.whole == nil or field.text:find(options.expected(entry), 1, true),
               ("%s: the range of %s"):format(what, entry[1]), field.text)
         end
      end
   end

   local function same_parameters(what, found, f, is_method)
      local names, declaration = parameters_of(f)
      if is_method and names[1] == "self" then table.remove(names, 1) end
      if declaration and names[#names] == "given" then names[#names] = "options" end
      check(found.parameters == table.concat(names, ", "), "the parameters of " .. what, found.parameters)
      if declaration and #declaration.entries > 0 then
         local taken = found.types[names[#names]]
         if check(taken, what .. " takes options") then has_options(what, taken.type:match "^[^|]+", declaration) end
         check(not declaration.first or taken.type:find("|", 1, true), what .. " takes a plain value too", taken.type)
      end
   end

   -- Every function of every family.
   local tried = 0
   for file in lfs.dir "lua/scute" do
      local family = file:match "^([%w_]+)%.lua$"
      local value = family and family ~= "init" and scute[family]
      if type(value) == "function" then
         tried = tried + 1
         same_parameters(family, function_of("scute", family), value)
      elseif value then
         check(classes.scute.fields[family].type == "scute." .. family, "scute has the field " .. family)
         for name, inner in next, value do
            if type(inner) == "function" and public.is(value, name) then
               tried = tried + 1
               same_parameters(family .. "." .. name, function_of("scute." .. family, name), inner)
            end
         end
      end
   end
   check(tried > 100, "the functions of the families were looked at", tried)
   for _, name in ipairs(scute.models.list()) do
      local found = function_of("scute.models", name)
      check(found.returns == "scute.nn.Classifier", "what models." .. name .. " returns", found.returns)
      has_options("models." .. name, (found.types.options or {}).type, options.of(scute.models.create))
   end
   for name, class in next, scute.nn do
      if type(class) == "table" and rawget(class, "class_name") then
         local found = classes["scute.nn." .. name]
         check(found and classes["scute.nn." .. name .. ".Class"], "scute.nn." .. name .. " is a class, and what makes one")
         if class.declaration and #class.declaration.entries > 0 then
            has_options("nn." .. name, "scute.nn." .. name .. ".Options", class.declaration)
         end
         local base = (getmetatable(class) or {}).__index
         if found and type(base) == "table" and base.class_name then
            check(found.parent == "scute.nn." .. base.class_name, "what scute.nn." .. name .. " derives from", found.parent)
         end
      end
   end

   -- What functions return, seen by calling them: the class has every method that the value is asked for.
   local model = scute.nn.Linear(2, 2)
   local samples = {
      ["scute.zeros"] = scute.zeros(2), ["scute.randn"] = scute.randn(2), ["scute.tensor"] = scute.tensor { 1 },
      ["scute.arange"] = scute.arange(1, 3), ["scute.optim.adamw"] = scute.optim.adamw(model, { lr = 1 }),
      ["scute.optim.sgd"] = scute.optim.sgd(model, { lr = 1 }), ["scute.schedule.cosine"] = scute.schedule.cosine(),
      ["scute.schedule.parse"] = scute.schedule.parse "step", ["scute.schedule.custom"] = scute.schedule.custom(math.cos),
      ["scute.metrics.confusion"] = scute.metrics.confusion(2), ["scute.metrics.mean"] = scute.metrics.mean(),
      ["scute.models.create"] = scute.models.create("baseline_cnn", { classes = 2, image_size = 32 }),
      ["scute.plot.schedule"] = scute.plot.schedule(scute.schedule.cosine()),
      ["scute.image.load"] = scute.image.load "tests/golden/images/photo.jpg", ["scute.canvas"] = scute.canvas(8, 8),
   }
   for path, value in pairs(samples) do
      local outer, name = path:match "^(.*)%.(.-)$"
      local returned = function_of(outer, name).returns
      check(returned and classes[returned], ("what %s returns is a class"):format(path), returned)
      for method in pairs(returned and classes[returned] and classes[returned].functions or {}) do
         local ok, f = pcall(function() return value[method] end)
         check(ok and f ~= nil, ("what %s returns has %s"):format(path, method))
      end
   end
   -- Tables that comments tell of have the fields that they tell.
   local photos = cli.scratch .. "/annotated"
   dofile "tests/cli/photos.lua".set(photos, { blue = 5, red = 5 })
   local split = cli.scratch .. "/annotated_split"
   for _, part in ipairs { "train", "val", "test" } do
      dofile "tests/cli/photos.lua".set(split .. "/" .. part, { blue = 5, red = 5 })
   end
   local tables = { ["scute.data.open"] = scute.data.open(split), ["scute.data.list"] = scute.data.list(photos),
      ["scute.evaluate.record"] = scute.evaluate.record({ 0.25, 0.75 }, 2) }
   for path, value in pairs(tables) do
      local outer, name = path:match "^(.*)%.(.-)$"
      local class = classes[function_of(outer, name).returns] or { fields = {} }
      check(next(class.fields), "the fields of what " .. path .. " returns", function_of(outer, name).returns)
      for field in pairs(class.fields) do check(value[field] ~= nil, ("what %s returns has %s"):format(path, field)) end
   end
   -- What has methods, too, derives from the class that has those.
   for name, wanted in pairs {
      fit = { parent = "scute.Result", fields = { "history", "best", "confusion", "seconds" } },
      lr_find = { parent = "scute.LrFinder", fields = { "suggestion", "rates", "points" } },
   } do
      local returned = function_of("scute.train", name).returns
      local class = classes[returned] or { fields = {} }
      check(class.parent == wanted.parent, ("what train.%s returns derives from its methods'"):format(name), returned)
      for _, field in ipairs(wanted.fields) do
         check(class.fields[field], ("what train.%s returns has %s"):format(name, field))
      end
   end
   check(function_of("scute.Result", "resume").returns == "scute.train.fit.Result", "what result:resume returns")
   local image = samples["scute.image.load"]
   local arguments_of = { crop = { 8 }, flip = {}, pad_square = {}, resize = { 8 }, rotate = { 10 },
      jitter = { { hue = 0.1 } }, resized_crop = { { width = 8, height = 8, size = 8 } },
      random_resized_crop = { { size = 8 } }, effect = { "Equalize", 0 } }
   for name, arguments in pairs(arguments_of) do
      check(getmetatable(image[name](image, table.unpack(arguments))) == getmetatable(image)
         and function_of("scute.Image", name).returns == "scute.Image", ("what image:%s returns"):format(name))
   end
   local t = scute.zeros(1, 2)
   for name, field in pairs(classes["scute.Tensor"].fields) do
      local value = name:find "^%a" and t[name]
      local type = value and (math.type(value) or type(value))
      check(not type or field.type == type or field.type == "integer[]" and type == "table", "the type of t." .. name,
         field.type)
   end
end
