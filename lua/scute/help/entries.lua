-- The entries of help(): everything that users may call, with what its own comment and declaration say. Pages, annotations and
-- completion are made of the same list.
local comments = require "scute.help.comments"
local bindings = require "scute.help.bindings"
local options = require "scute.base.options"
local surplus = require "scute.base.surplus"
local inventory = require "scute.help.inventory"
local scute = require "scute"

local entries = {}

-- ---- signatures ----

--- The parameters of a function in Lua, as "(a, b, ...)"; a table of options is called that.
function entries.parameters(f, is_method)
   local info, names = debug.getinfo(f, "u"), {}
   for i = 1, info.nparams do names[i] = debug.getlocal(f, i) end
   if is_method and names[1] == "self" then table.remove(names, 1) end
   if options.of(f) and names[#names] == "given" then names[#names] = "options" end
   if surplus.is_shown(f, info) then names[#names + 1] = "..." end
   return "(" .. table.concat(names, ", ") .. ")"
end

-- "{ in_features, out_features, bias = true }" of a declaration.
local function braces(declaration)
   local parts = {}
   for i, entry in ipairs(declaration.entries) do
      local default = options.default_text(entry)
      if type(entry.default) == "string" and default == entry.default then default = ("%q"):format(default) end
      parts[i] = default and not entry.show and ("%s = %s"):format(entry[1], default) or entry[1]
   end
   return #parts > 0 and " { " .. table.concat(parts, ", ") .. " }" or "()"
end

--- The arguments of an op as entries of a declaration are: { { name, help, kind, choices, suggests, default, optional }, ... }.
local function op_arguments(info)
   local list = {}
   for i, argument in ipairs(info.arguments) do
      list[i] = { argument.name, help = argument.doc, kind = argument.kind, choices = argument.choices,
         suggests = argument.suggests, default = argument.default, optional = argument.optional,
         required = not argument.optional }
   end
   return list
end

-- " -> values[, inverse]" of an op that gives more than one tensor.
local function op_results(info)
   local parts = {}
   for i, result in ipairs(info.results) do
      parts[i] = (result.optional and "[%s%s]" or "%s%s"):format(i > 1 and ", " or "", result.name)
   end
   return parts[1] and " -> " .. table.concat(parts) or ""
end

local function op_signature(name, info)
   local parts = {}
   for i, argument in ipairs(info.arguments) do
      local default = argument.default
      if type(default) == "string" then default = ("%q"):format(default) end
      parts[i] = argument.optional and ("%s = %s"):format(argument.name, tostring(default)) or argument.name
   end
   return ("scute.%s(%s)%s"):format(name, table.concat(parts, ", "), op_results(info))
end

-- ---- where each kind of entry has its text ----

-- A comment may begin with the call, "nn.Linear { in_features, ... }": that, nil where it does not, and the rest.
local function split_call(text, name)
   local rest = text:sub(1, #name) == name and text:sub(#name + 1)
   if not rest then return nil, text end
   local call = rest:match "^%s?%b{}%f[\n:;.]" or rest:match "^%b()%f[\n:;.]" or ""
   return call ~= "" and (call:gsub("%s+", " ")), (rest:sub(#call + 1):gsub("^[:;.]?%s+", ""))
end

-- Each says signature, text and options of an entry; `files` reads files, `bound` is what C's comments say.
local describe = {}

function describe.op(entry)
   local info = scute.op_info(entry.name)
   entry.signature = op_signature(entry.name, info)
   entry.text = info.doc .. (info.differentiable and "" or "\n(has no gradient)")
   entry.options, entry.results = op_arguments(info), info.results
   entry.is_method = debug.getmetatable(scute.zeros(1)).methods[entry.name] ~= nil
end

function describe.family(entry, files, bound)
   local path = scute.module_file("scute." .. entry.name)
   local text = path and comments.header(files(path)) or (bound[entry.name] or {}).text or ""
   entry.signature, entry.text = "scute." .. entry.name, (text:gsub("^scute%." .. entry.name .. ":%s+", ""))
   if type(entry.value) == "function" then
      entry.signature = entry.signature .. entries.parameters(entry.value)
   elseif options.of(entry.value) then -- it is called
      entry.signature = entry.signature .. "(options)"
   end
end

local function bound_text(entry, bound)
   local found = bound[entry.name]
   if found then entry.signature, entry.text = found.signature, found.text end
end

describe["function"] = function(entry, files, bound)
   local path, at = comments.source(entry.value)
   local lines = path and files(path)
   if not lines then return bound_text(entry, bound) end
   local is_method = entry.kind == "method"
   local call, text = split_call(comments.above(lines, at), entry.name)
   if options.of(entry.value) then text = text:gsub("%f[%w]given: ", "options: ") end -- as `parameters` calls it
   entry.signature = (is_method and "" or "scute.") .. entry.name .. (call or entries.parameters(entry.value, is_method))
   entry.text = text
end
describe.method = describe["function"]

function describe.field(entry, _, bound)
   bound_text(entry, bound)
end

-- The first text that look(lines) finds in files in which `word` stands: it stands in few of them, and looking takes time.
local function first_text(paths, files, word, look)
   for _, path in ipairs(paths) do
      local lines = files(path)
      local text = lines and lines.text:find(word, 1, true) and look(lines)
      if text and text ~= "" then return text end
   end
end

local function family_files(family)
   local folder, paths = comments.folder() .. "/" .. family, {}
   for i, name in ipairs(comments.files(folder)) do paths[i] = ("%s/%s.lua"):format(folder, name) end
   return paths
end

-- The file in which a class of modules was made: where its forward is, or else the one that speaks of it.
local function class_comment(entry, files)
   return first_text(family_files(entry.family), files, entry.class_name, function(lines)
      return comments.beginning(lines, entry.name)
         or comments.above_match(lines, ('[Ee]xtend%%("%s"'):format(entry.class_name))
   end)
end

function describe.class(entry, files)
   local declaration = options.of(entry.value)
   local call, text = split_call(class_comment(entry, files) or "", entry.name)
   entry.signature = "scute." .. entry.name .. (call or declaration and braces(declaration) or "")
   entry.text = text
end

-- A model is told by the file of its family.
function describe.model(entry, files)
   local name = entry.name:match "[^.]+$"
   local home = require("scute.models").family_file(name)
   local lines = home and files(home) -- a file of the user's may be gone
   entry.signature = ("scute.%s { classes = 10 }"):format(entry.name)
   entry.text = ('%s\n\nThe same as scute.models.create("%s", options).'):format(lines and comments.header(lines)
      or ("A network of your own, registered in %s."):format(home or "no file"), name)
end

-- The file that a table of functions was written in.
local function home_of(t)
   for _, value in next, t do
      local path = type(value) == "function" and comments.source(value)
      if path then return path end
   end
end

-- A list of flags, as cli.parse takes them, is a declaration.
local function flags_of(value)
   local first = type(value) == "table" and value[1]
   return type(first) == "table" and type(first[1]) == "string" and first.help and value or nil
end

-- What C sets is told there, a table of functions by its file, another value above the line that sets it.
function describe.value(entry, files, bound)
   if bound[entry.name] then return bound_text(entry, bound) end
   local key = entry.name:match "[^.]+$"
   entry.signature, entry.options = "scute." .. entry.name, flags_of(entry.value)
   local home = type(entry.value) == "table" and home_of(entry.value)
   if home then entry.text = comments.header(files(home)) return end
   local places = family_files(entry.family)
   table.insert(places, 1, ("%s/%s.lua"):format(comments.folder(), entry.family))
   entry.text = first_text(places, files, key, function(lines)
      return comments.above_match(lines, "^%s*[%w_]*%.?" .. key .. "%s*=[^=]")
         or comments.above_match(lines, "^local " .. key .. "%s*=[^=]")
   end)
end

-- ---- the list ----

local function complete(entry, files, bound)
   describe[entry.kind](entry, files, bound)
   local declaration = entry.value ~= nil and options.of(entry.value)
   if declaration then entry.options, entry.declaration = declaration.entries, declaration end
   entry.text = entry.text or ""
end

--- Everything that users may call, sorted by name: a list of
--    name       as help() takes it: "conv2d", "train.fit", "nn.Linear", "t:item", "module:freeze", "schedule:then_"
--    kind       "op", "family", "function", "class" (of modules), "model", "method", "field" or "value"
--    family     the family that it is in ("train"), nil for what is a field of scute itself
--    class      of a method or field: its class ("nn.Module"), or the word for such values ("t", "image", "schedule")
--    signature  how it is called, in one line
--    text       what its comment says, "" where there is none
--    options    what it takes by name: list of { name, help =, default =, choices =, required =, ... } as options.declare has
--               them (see scute.base.options), of an op with kind =; nil where there are none. declaration: the whole of it
--    value      the function, class or table itself, nil for fields
-- What only the library calls (see scute.base.public) is left out unless `all` is true; then it has hidden = true.
function entries.list(all)
   local list, files, bound = {}, comments.reader(), bindings()
   for _, entry in ipairs(inventory.list()) do
      if all or not entry.hidden then
         complete(entry, files, bound)
         list[#list + 1] = entry
      end
   end
   return list
end

return entries
