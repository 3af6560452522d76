-- What a function of the user's reaches: its own text, and that of the functions, the modules and the plain values that it and
-- they know as upvalues or as globals, part by part, each with a name that a message can use. The library is not followed, nor
-- is what makes no number another: the data set itself, and flags that a run may change as it goes on.
--
-- A part has one of these names:
--    run                  the function itself
--    function NAME        one that it reaches
--    module NAME          a file that it requires by name
--    file NAME            one that it names and does not write, by its sha256
--    value NAME           a number, a text, a table, a tensor, ... by the name that the code has for it, as opt.epochs
local lfs = require "lfs"
local architectures = require "scute.nn.architectures"
local arguments = require "scute.experiment.arguments"
local scute = require "scute"
local code = require "scute.experiment.code"
local computed = require "scute.experiment.computed"
local constants = require "scute.experiment.constants"
local known = require "scute.experiment.known"
local named_files = require "scute.experiment.named_files"
local options = require "scute.base.options"
local strays = require "scute.experiment.strays"
local sorted_keys = require "scute.base.sorted_keys"
local value_text = require "scute.experiment.value_text"
local Module = require "scute.nn.module"

local MOST_VARIABLES = 250 -- of a function
local MOST_FIELDS = 40     -- of a table that are parts of their own
local LONGEST = 60         -- of a constant that is told as it is

local Reached = {}
Reached.__index = Reached

-- ---- parts ----

-- The name that a part is given: another one's is not taken.
local function free(self, name)
   local found, n = name, 1
   while self.parts[found] do
      n = n + 1
      found = ("%s (%d)"):format(name, n)
   end
   return found
end

-- What several functions know by one name is one part where it is the same.
local function add(self, name, text)
   if self.parts[name] ~= text then self.parts[free(self, name)] = text end
end

--- Takes a function of the user's, once, with all that it reaches; name: of its part.
function Reached:wait(f, name)
   if self.seen[f] then return end
   self.seen[f] = true
   self.waiting[#self.waiting + 1] = { f, name }
end

-- ---- values ----

-- Whether a flag may differ between two starts of one run.
local function is_free(t, key)
   local declaration = options.declaration_of(t)
   local entry = declaration and declaration.by_name[key]
   return entry ~= nil and entry.resume == "free"
end

-- The fields of a table that are parts of their own, sorted, so that a message can say which of them has changed; nil where it
-- is told as a whole.
local function fields_of(self, t)
   local is_options, list = options.declaration_of(t) ~= nil, {}
   if debug.getmetatable(t) and not is_options or value_text.is_set(t) or Module.is_module(t) then return nil end
   for key in next, t do
      if type(key) ~= "string" or #list > MOST_FIELDS then return nil end
      if not is_free(t, key) then list[#list + 1] = key end
   end
   table.sort(list)
   return (#list > 0 or is_options) and not self.seen[t] and list or nil
end

local take

-- All of a value.
local function take_whole(self, name, value)
   local is_kept = type(value) == "table" or type(value) == "userdata"
   local fields = type(value) == "table" and fields_of(self, value)
   if is_kept and self.seen[value] == "whole" then return end
   if is_kept then self.seen[value] = "whole" end
   if not fields then return add(self, "value " .. name, value_text.of(value, name, self)) end
   for _, key in ipairs(fields) do take(self, value_text.field(name, key), rawget(value, key)) end
end

function take(self, name, value)
   local is_table = type(value) == "table"
   if value == nil or rawequal(value, self.set) or is_table and self.known[value] then return end
   if self.known[value] then return add(self, "value " .. name, self.known[value]) end
   if type(value) == "function" and not known.is_foreign(value) then return self:wait(value, "function " .. name) end
   take_whole(self, name, value)
end

-- What a chain of fields leads to from a value: `opt.epochs`, `first.best.options.lr`.
local function take_chain(self, name, value, chain)
   for _, key in ipairs(chain) do
      if type(value) ~= "table" or self.known[value] or rawequal(value, self.set) or Module.is_module(value) then break end
      if is_free(value, key) then return end
      local inner = rawget(value, key)
      if inner == nil and value_text.own_metatable(value, self.known) then break end -- what that makes of it
      name, value = value_text.field(name, key), inner
      if inner == nil then return add(self, "value " .. name, "nil") end
   end
   take(self, name, value)
end

-- ---- names ----

local function is_sign(token, ...)
   for _, sign in ipairs { ... } do
      if token and token.kind == "sign" and token.text == sign then return true end
   end
   return false
end

-- Whether the field at a place is a global: `_G.rate`.
local function is_global_field(list, i)
   local before = list[i - 2]
   return is_sign(list[i - 1], ".") and before and (before.text == "_G" or before.text == "_ENV") or false
end

-- Whether the name at a place is a variable: no field of something, and no key in a table.
local function is_variable(list, i)
   if list[i].kind ~= "name" then return false end
   if is_sign(list[i - 1], ".", ":") then return is_global_field(list, i) end
   return not (is_sign(list[i + 1], "=") and is_sign(list[i - 1], "{", ","))
end

-- The chains of fields that follow a variable in a list of tokens, a list of lists: none where it stands alone.
local function chains_of(list, name)
   local chains = {}
   for i, token in ipairs(list) do
      if token.text == name and is_variable(list, i) then
         local chain, at = {}, i + 1
         while is_sign(list[at], ".") and list[at + 1] and list[at + 1].kind == "name" do
            chain[#chain + 1], at = list[at + 1].text, at + 2
         end
         chains[#chains + 1] = chain
      end
   end
   return chains
end

-- The places of a list that a list of tokens reads, `arg[1]`; nil where it uses it in other ways too.
local function places_of(list, name)
   local places = {}
   for i, token in ipairs(list or {}) do
      if token.text == name and is_variable(list, i) then
         local number = is_sign(list[i + 1], "[") and is_sign(list[i + 3], "]") and math.tointeger(tonumber(list[i + 2].text))
         if not number then return nil end
         places[#places + 1] = number
      end
   end
   return list and places
end

-- Takes what is used of the words of the command line. Where the script lies (arg[0]) makes no number another.
local function take_arguments(self, name, words, list)
   local places = places_of(list, name)
   if not places then return add(self, "value " .. name, value_text.of(arguments.own(words), name, self)) end
   for _, place in ipairs(places) do
      if place > 0 then add(self, ("value %s[%d]"):format(name, place), value_text.of(words[place], name, self)) end
   end
end

-- The globals that are used as fields of a table of them: `local G = _G`, `G.rate`.
local function take_fields_of_globals(self, globals, chains)
   for _, chain in ipairs(chains) do
      local value = chain[1] and rawget(globals, chain[1])
      if value ~= nil and not self.known[value] then take_chain(self, chain[1], value, table.move(chain, 2, #chain, 1, {})) end
   end
end

-- Takes of a value what a list of tokens (nil: not known) uses of it.
local function take_used(self, name, value, list)
   if arguments.are(value) then return take_arguments(self, name, value, list) end
   if rawequal(value, _G) and list then return take_fields_of_globals(self, value, chains_of(list, name)) end
   if type(value) ~= "table" or not list then return take(self, name, value) end
   for _, chain in ipairs(chains_of(list, name)) do take_chain(self, name, value, chain) end
end

-- A text without its quotes; nil where that is no short one.
local function inside(token)
   if not token or token.kind ~= "text" then return nil end
   return token.text:match "^[\"'](.*)[\"']$" or select(2, token.text:match "^%[(=*)%[\n?(.*)%]%1%]$")
end

-- Takes what somebody has put into tables of Lua and of the library, by the names of its fields: `table.map`, `("a"):shout`.
local function take_strays(self, list)
   for i, token in ipairs(list or {}) do
      local key = token.kind == "name" and is_sign(list[i - 1], ".", ":") and token.text or inside(token)
      for _, stray in ipairs(key and self.strays[key] or {}) do take(self, stray.name, stray.value) end
   end
end

-- The globals that a list of tokens may mean.
local function take_globals(self, environment, list)
   if type(environment) ~= "table" then return end
   local taken = {}
   for i, token in ipairs(list or {}) do
      local name = inside(token) -- _G["rate"], rawget(_G, "rate")
      if name and list[i - 2] and (list[i - 2].text == "_G" or list[i - 2].text == "_ENV") then
         take(self, name, rawget(environment, name))
      end
      if not taken[token.text] and is_variable(list, i) then
         taken[token.text] = true
         local value = rawget(environment, token.text)
         if value ~= nil and not self.known[value] then take_used(self, token.text, value, list) end
      end
   end
end

-- Takes the constants of a file that a list of tokens uses, and those that these use.
local function take_constants(self, list, declared)
   local taken = {}
   local function follow(some)
      for i, token in ipairs(some) do
         local value = declared[token.text]
         if value and not taken[token.text] and is_variable(some, i) then
            taken[token.text] = true
            local text = code.text(value)
            add(self, "value " .. token.text, #text <= LONGEST and text or code.digest(value))
            follow(value)
         end
      end
   end
   follow(list)
end

-- ---- files ----

-- Names of networks (models.NAME, or models.create "NAME") and of files.
local function take_words(self, list)
   for i, token in ipairs(list or {}) do
      local text = inside(token)
      local word = token.kind == "name" and token.text or text
      if word then self.words[word] = self.words[word] or true end
      if text and not named_files.is_written(list, i) then self.literals[text] = true end
      if token.kind == "name" and named_files.is_written(list, i) then self.written[token.text] = true end
   end
end

local CALLS = { require = true, dofile = true, loadfile = true }

local function path_of(call, name, folder)
   if call ~= "require" then return lfs.attributes(name, "mode") == "file" and name or nil end
   if scute.module_file(name) then return nil end
   local path = scute.loaded_file(name)
      or package.searchpath(name, folder .. "?.lua;" .. folder .. "?/init.lua;./?.lua;./?/init.lua")
   return path and not path:find("/share/lua/5.", 1, true) and path or nil
end

local take_files

-- name: by which the code knows it.
local function take_file(self, name, path)
   if self.seen["file " .. path] then return end
   self.seen["file " .. path] = true
   local inner = code.of_file(path)
   add(self, "module " .. name, inner and code.digest(inner) or "cannot be read")
   take_words(self, inner)
   take_files(self, inner, path:match "^(.*/)" or "./")
end

-- The files that a text requires or runs by name.
function take_files(self, list, folder)
   for i, token in ipairs(list or {}) do
      local at = (is_sign(list[i + 1], "(", ",")) and i + 2 or i + 1
      local name = CALLS[token.text] and inside(list[at])
      local path = name and path_of(token.text, name, folder)
      if path then take_file(self, name, path) end
   end
end

-- The files of Lua that texts name, of which run may make what it likes: dofile(opt.network). The script itself is told by what
-- is reached in it.
local function take_lua_files(self)
   local script = (rawget(_G, "arg") or {})[0]
   for _, word in ipairs(sorted_keys(self.words)) do
      local is_file = word:find "%.lua$" and word ~= script and lfs.attributes(word, "mode") == "file"
      if is_file then take_file(self, word, word) end
   end
end

-- What a function asks for by names that only a run knows may be any module that is loaded, and any network.
local function take_computed(self, f, list, is_run)
   local modules, networks = computed.by(f, list, is_run)
   self.all_networks = self.all_networks or networks
   for _, entry in ipairs(modules and known.own_modules() or {}) do take_file(self, entry[1], entry[2]) end
end

-- ---- functions ----

local function visit(self, f, name)
   local part, list = free(self, name), code.tokens(f)
   self.parts[part], self.places[part] = code.of(f), code.place(f)
   take_words(self, list)
   take_strays(self, list)
   take_computed(self, f, list or {}, name == "run")
   take_constants(self, list or {}, constants.of(code.around(f)))
   take_files(self, list, debug.getinfo(f, "S").source:match "^@(.*/)" or "./")
   for i = 1, MOST_VARIABLES do
      local key, value = debug.getupvalue(f, i)
      if not key then return end
      if key == "_ENV" then take_globals(self, value, list) else take_used(self, key, value, list) end
   end
end

local function value_within(f, wanted)
   for i = 1, MOST_VARIABLES do
      local name, value = debug.getupvalue(f, i)
      if not name then return nil end
      if name == wanted then return value end
   end
end

-- Networks of the user's own are known by a name alone.
local function take_architectures(self)
   for _, name in ipairs(architectures.list()) do
      local entry = architectures.get(name)
      if entry.own and (self.all_networks or self.words[name]) and not self.seen["architecture " .. name] then
         self.seen["architecture " .. name] = true
         take(self, name, value_within(entry.build, "build"))
         take(self, name .. ".preprocessing", entry.family.preprocessing)
      end
   end
end

-- What the script prints makes no number another.
local function is_script(path)
   local arg = rawget(_G, "arg")
   return type(arg) == "table" and architectures.is_same_file(path, arg[0])
end

-- Whether a value is the name of a file that is read: name: what the code calls it.
local function is_read(self, text, name)
   return type(name) == "string" and named_files.is_name(text) and not self.written[name:match "[^.]*$"]
end

-- Files that the code names, and those that values from outside do.
local function take_named_files(self)
   for _, text in ipairs(sorted_keys(self.words)) do
      local counts = self.literals[text] or is_read(self, text, self.words[text])
      if counts and not self.seen["file " .. text] and not is_script(text) then
         local found = named_files.text(text)
         if found and text:find "%.lua$" then
            take_file(self, text, text)
         elseif found then
            add(self, "file " .. text, found)
         end
      end
   end
end

-- All that waits, and what that leads to.
local function take_waiting(self)
   repeat
      while #self.waiting > 0 do
         local entry = table.remove(self.waiting, 1)
         visit(self, entry[1], entry[2])
      end
      take_architectures(self)
      take_lua_files(self)
   until #self.waiting == 0
   take_named_files(self)
end

local function new(set, names)
   names = names or known.map()
   return setmetatable({ parts = {}, places = {}, seen = {}, words = {}, literals = {}, written = {}, waiting = {}, set = set,
      known = names, strays = strays.of(names) }, Reached)
end

local reached = {}

--- What `f` reaches: texts by the name of their part, and for functions where they stand. set: the data set, which is not among
-- them; names: what known.map has found, nil to look.
function reached.by(f, set, names)
   code.forget()
   named_files.forget()
   local self = new(set, names)
   self:wait(f, "run")
   take_waiting(self)
   return self.parts, self.places
end

--- The same of the options of a variant: parts "option NAME", and the functions that they hold.
function reached.options(given, set, names)
   local self, texts = new(set, names), {}
   for _, key in ipairs(sorted_keys(given)) do texts["option " .. key] = value_text.of(given[key], key, self) end
   take_waiting(self)
   for name, text in pairs(self.parts) do texts[name] = text end
   return texts, self.places
end

return reached
