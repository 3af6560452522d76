-- Options, declared once. What a function, a constructor or a command line takes is a list of entries; checking with the
-- nearest name, defaults, --help, help(), completion, and what identifies a run derive from it.
--
--    local FIT = options.declare("train.fit", {
--       { "epochs", whole = true, min = 1, default = 10, resume = "longer", help = "passes over the training photos" },
--       { "augment", read = augment.parse, is = options.of_type "table", expected = "a description", help = "..." },
--    })
--    function train.fit(model, set, given)
--       local run = FIT:read(given, 3)            -- an error names the caller of train.fit
--    end
--    FIT:describes(train.fit)                     -- for help(train.fit), and Tab after train.fit(m, s, { ep
--
-- An entry is { name, default, help = one line, ... } with what of these holds:
--   whole, number      true: a whole number, a number; with min, above, max, below: its range
--   flag, text         true: true or false, a text
--   choices            a list of texts, or a function that returns one
--   read               function(text) -> value: what a text stands for; what it raises is told as the mistake. keep_text: a
--                      command line checks it and keeps the text
--   bare               the text that a flag stands for without a value; it takes the next word where that is one
--   is, expected       any other value: a function that tells whether it is one, and the words for what was expected
--   takes, examine     for scute --check, which tells what a run says once it uses a value: the declaration of what a table
--                      holds; function(value, beside) that raises what is wrong, beside: what else is given, nil: not known
--   default            its value where it is not given (the second field of an entry too); a function is called with the
--                      options that are known by then. show: the default as --help and help() tell it
--   required           true: must be given; unless = the option with which it need not be
--   suggests           a list of texts, or a function that returns one: what completion offers where others may stand too, and
--                      of which a message names the nearest
--   excludes, why      a list of options that make no sense beside this one, and why, in half a sentence
--   needs              an option without which this one means nothing
--   synonyms           other names that are taken for it
--   resume             what a run that goes on may do with it: nil: it is the same, "free": whatever it likes (it changes no
--                      number), "longer": it may grow
--   identity           function(value) -> the text by which two runs are told apart
--   told               function(value, run) -> what people are told of it, a text or a number; value may be nil
-- For a command line (see scute.cli) also value = what the value is called; group = the heading under which --help tells of
-- it; argument = true: a word without a name; many = true: several such words, or a flag that may be said several times, as a
-- list.
--
-- An entry without a kind takes any value. false stands for an option that is not given, but for a flag.
local nearest = require("scute.core").nearest
local sorted_keys = require "scute.base.sorted_keys"

local options = {}

options.MAXSEED = 99999999999999 -- of 14 digits: the run's JSON writes so many

local Declaration = {}
Declaration.__index = Declaration

-- ---- declaring ----

local described = setmetatable({}, { __mode = "k" }) -- function or class -> its declaration

local FIELDS = {}
for name in ([[1 2 whole number flag text choices read keep_text bare is expected takes examine default show required unless
   excludes why needs synonyms suggests resume identity told help group min above max below value argument many optional in_run
   as_flag script_only]]):gmatch "%S+" do
   FIELDS[name] = true
end

local function complete(what, entry)
   for field in pairs(entry) do
      if not FIELDS[tostring(field)] then
         error(("%s: the option '%s' has a field '%s', which means nothing%s"):format(what, tostring(entry[1]), tostring(field),
            options.hint(field, sorted_keys(FIELDS))), 3)
      end
   end
   if entry.default == nil then entry.default = entry[2] end
   return entry
end

-- A name belongs to the option that has it; a synonym is taken for one where it is free.
local function add_synonyms(by_name, entries)
   for _, entry in ipairs(entries) do
      for _, name in ipairs(entry.synonyms or {}) do by_name[name] = by_name[name] or entry end
   end
end

--- A declaration. what: the name of what takes the options, for messages. entries: see above. first: the name of the option
-- that a plain value stands for, as in schedule.cosine(20).
function options.declare(what, entries, first)
   local self = setmetatable({ what = what, entries = {}, names = {}, by_name = {}, first = first }, Declaration)
   for i, entry in ipairs(entries) do
      local name = entry[1]
      if self.by_name[name] then error(("%s: the option '%s' is declared twice"):format(what, name), 2) end
      self.entries[i], self.names[i], self.by_name[name] = complete(what, entry), name, entry
   end
   add_synonyms(self.by_name, entries)
   return self
end

--- The names that are taken, synonyms among them, in order.
function Declaration:known()
   return sorted_keys(self.by_name)
end

--- Says that a function (or a class that is called) takes these options; returns it.
function Declaration:describes(callable)
   described[callable] = self
   return callable
end

--- The declaration of a function's options, or nil.
function options.of(callable)
   return described[callable]
end

-- ---- words ----

--- The end of a message about a name that is not known: the nearest one, or all of them. taken: names that are taken too, but
-- are not listed.
function options.hint(name, known, taken)
   local near = nearest(tostring(name), taken or known)
   return near and ("; did you mean '%s'?"):format(near) or "; expected one of " .. table.concat(known, ", ")
end

local function list_of(list)
   return type(list) == "function" and list() or list
end

function options.choices_of(entry)
   return list_of(entry.choices)
end

--- The texts that completion offers for a value: its choices, or what its declaration suggests; nil where nothing is known.
function options.suggestions_of(entry)
   return list_of(entry.choices or entry.suggests)
end

local function range_of(entry)
   local parts = {}
   for _, bound in ipairs { { "min", "of at least" }, { "above", "above" }, { "max", "of at most" }, { "below", "below" } } do
      local value = entry[bound[1]]
      if value then parts[#parts + 1] = ("%s %s"):format(bound[2], value) end
   end
   return (entry.whole and "a whole number" or "a number") .. (#parts > 0 and " " or "") .. table.concat(parts, " and ")
end

--- What a value of an entry has to be, in words; nil where anything goes.
function options.expected(entry)
   if entry.whole or entry.number then return range_of(entry) end
   if entry.choices then return "one of " .. table.concat(options.choices_of(entry), ", ") end
   if entry.flag then return "true or false" end
   return entry.expected or entry.text and "a text" or nil
end

-- The first line of a value, for a message; texts in quotes, and no addresses.
local function brief(value)
   if type(value) == "string" then return ("'%s'"):format(value) end
   local text = tostring(value):gsub(":?\n.*$", "")
   return text:find "^%a+: 0x%x+$" and "a " .. type(value) or text
end

-- ---- checking a value ----

local function in_range(entry, n)
   return n == n and n ~= math.huge and n ~= -math.huge
      and (not entry.min or n >= entry.min) and (not entry.above or n > entry.above)
      and (not entry.max or n <= entry.max) and (not entry.below or n < entry.below)
end

local function number_of(entry, value)
   if type(value) ~= "number" then return nil end
   if entry.whole then value = math.tointeger(value) end
   return value and in_range(entry, value) and value or nil
end

local function is_choice(entry, value)
   for _, choice in ipairs(options.choices_of(entry)) do
      if choice == value then return true end
   end
   return false
end

-- Whether a value that is no text to be read is one of the entry's kind.
local function fits(entry, value)
   if entry.whole or entry.number then return number_of(entry, value) ~= nil end
   if entry.choices then return is_choice(entry, value) end
   if entry.flag then return type(value) == "boolean" end
   if entry.text then return type(value) == "string" and value ~= "" end
   return not entry.is or entry.is(value)
end

local function wrong(entry, value)
   local texts = type(value) == "string" and options.suggestions_of(entry)
   local near = texts and nearest(value, texts)
   return ("expected %s, found %s%s"):format(options.expected(entry), brief(value),
      near and ("; did you mean '%s'?"):format(near) or "")
end

-- What `read` makes of a text; nil and what is wrong.
local function read_text(entry, text)
   local done, value = pcall(entry.read, text)
   if done then return value end
   return nil, require("scute.base.console").message(value)
end

--- The value of an entry as it is used; nil and what is wrong with it, in words.
function options.check(entry, value)
   if entry.read and type(value) == "string" then return read_text(entry, value) end
   if not fits(entry, value) then return nil, wrong(entry, value) end
   return (entry.whole or entry.number) and number_of(entry, value) or value
end

--- The same for what stands on a command line, a text whatever the kind.
function options.from_text(entry, text)
   if entry.whole or entry.number then
      local value = number_of(entry, text:find "^%s*[+-]?[%d.]" and tonumber(text))
      if value then return value end
      return nil, wrong(entry, text)
   end
   if text == "" then return nil, "expected a text, found nothing" end
   local value, why = options.check(entry, text)
   if value ~= nil and entry.keep_text then return text end
   return value, why
end

local types = setmetatable({}, { __mode = "k" }) -- check -> the types of values that pass it

--- The types ("table", "function", ...) of what passes a check, a list; nil of one of which nothing is said.
function options.types_of(check)
   return types[check]
end

--- Says of which types the values are that pass a check, for editors; returns the check.
function options.typed(check, ...)
   types[check] = { ... }
   return check
end

--- A check that a value is of a type ("table", "function", ...), for `is`.
function options.of_type(...)
   local known = {}
   for _, name in ipairs { ... } do known[name] = true end
   return options.typed(function(value) return known[type(value)] == true end, ...)
end

--- A check that a value has a method, for `is`.
function options.has(method)
   return options.typed(function(value) return type(value) == "table" and type(value[method]) == "function" end, "table")
end

-- ---- checking all ----

local function default_of(entry, values)
   if type(entry.default) == "function" then return entry.default(values) end
   return entry.default
end

-- Whether an option that is not among the values has to be.
local function is_missing(entry, values)
   return entry.required and values[entry[1]] == nil and not (entry.unless and values[entry.unless])
end

--- The entry of the first option that is required and not among the values, by name; nil where all are there.
function Declaration:missing(values)
   for _, entry in ipairs(self.entries) do
      if is_missing(entry, values) then return entry end
   end
end

--- Puts the defaults of what is not given into a table of values by name. Returns the entry of one that is required and
-- missing.
function Declaration:fill(values)
   for _, entry in ipairs(self.entries) do
      if is_missing(entry, values) then return entry end
      if values[entry[1]] == nil then values[entry[1]] = default_of(entry, values) end
   end
end

--- The name of an option of some values that means nothing without another one, and that one's; nil where there is none.
function Declaration:lacking(values)
   for _, entry in ipairs(self.entries) do
      if entry.needs and values[entry[1]] and not values[entry.needs] then return entry[1], entry.needs end
   end
end

--- What is said of an option that is missing.
function Declaration:says_missing(entry)
   return ("option '%s' is missing%s"):format(entry[1], entry.help and ": " .. entry.help or "; it needs "
      .. table.concat(self.names, ", "))
end

--- Two options of `values` that exclude each other: their names, and why; nil where there are none.
function Declaration:clash(values)
   for _, entry in ipairs(self.entries) do
      for _, other in ipairs(values[entry[1]] and entry.excludes or {}) do
         if values[other] then return entry[1], other, entry.why end
      end
   end
end

--- What is said of a name that is no option: with the nearest one, or else all. dashes: before names, on a command line, where
-- there are too many to list.
function Declaration:unknown(name, dashes)
   local near = nearest(tostring(name), self:known())
   local rest = near and ("; did you mean '%s%s'?"):format(dashes or "", near) or dashes and ""
      or #self.names == 0 and ("; %s takes no options"):format(self.what)
      or "; expected one of " .. table.concat(self.names, ", ")
   return ("unknown option '%s%s'%s"):format(dashes or "", tostring(name), rest)
end

-- Puts what is given into values by name; returns what is wrong.
local function take(self, given, values)
   for key, value in pairs(given) do
      local entry = self.by_name[key]
      if not entry then return self:unknown(key) end
      local name = entry[1]
      if values[name] ~= nil then return ("option '%s' is given twice"):format(name) end
      if value ~= false or fits(entry, value) then
         local checked, why = options.check(entry, value)
         if checked == nil then return ("option '%s': %s"):format(name, why) end
         values[name] = checked
      end
   end
end

-- nil is no option, and a plain value the first.
local function as_table(self, given)
   if given == nil then return {} end
   if self.first and type(given) ~= "table" then return { [self.first] = given } end
   return type(given) == "table" and given or nil
end

--- The options that were given, checked, with their defaults, as a new table by name; nil and what is wrong.
function Declaration:values(given)
   local map = as_table(self, given)
   if not map then return nil, ("expected a table of options, found %s"):format(brief(given)) end
   local values = {}
   local problem = take(self, map, values)
   if problem then return nil, problem end
   local one, other, why = self:clash(values)
   if one then return nil, ("options '%s' and '%s' exclude each other: %s"):format(one, other, why) end
   local lonely, needed = self:lacking(values)
   if lonely then return nil, ("option '%s' means nothing without '%s'"):format(lonely, needed) end
   local missing = self:fill(values)
   if missing then return nil, self:says_missing(missing) end
   return values
end

--- The same; what is wrong is an error. level: as error counts from the function that calls this one (default 2: its caller).
function Declaration:read(given, level)
   local values, problem = self:values(given)
   if not values then error(("%s: %s"):format(self.what, problem), level == 0 and 0 or (level or 2) + 1) end
   return values
end

-- ---- tables that know their fields ----

local function entry_or_error(self, key)
   local entry = self.by_name[key]
   if entry then return entry end
   error(("%s: there is no option '%s'%s"):format(self.what, tostring(key), options.hint(key, self.names, self:known())), 3)
end

-- A value in a few letters.
local function in_short(value)
   local own = type(value) == "table" and getmetatable(value)
   if type(value) ~= "table" or type(own) == "table" and own.__tostring then return brief(value) end
   return next(value) == nil and "{}" or "{…}"
end

-- What was given, an option a line.
local function given_text(self, values)
   local lines, width = {}, 0
   for name in next, values do width = math.max(width, #tostring(name)) end
   for _, name in ipairs(self.names) do
      local value = rawget(values, name)
      if value ~= nil then lines[#lines + 1] = ("   %-" .. width .. "s  %s"):format(name, in_short(value)) end
   end
   return ("options of %s%s\n%s"):format(self.what, #lines == 0 and ": none is given" or "", table.concat(lines, "\n"))
      :gsub("\n$", "")
end

--- Makes a table of values by name strict: reading or writing a field that is no option is an error with the nearest name; one
-- that was not given reads as nil. Returns the table.
function Declaration:strict(values)
   self.metatable = self.metatable or {
      declaration = self, __name = "options",
      __tostring = function(t) return (given_text(self, t)) end,
      __index = function(t, key) return rawget(t, entry_or_error(self, key)[1]) end,
      __newindex = function(t, key, value) rawset(t, entry_or_error(self, key)[1], value) end,
   }
   return setmetatable(values, self.metatable)
end

--- The declaration of a strict table; nil for any other value.
function options.declaration_of(values)
   local metatable = type(values) == "table" and getmetatable(values)
   return type(metatable) == "table" and metatable.declaration or nil
end

-- ---- telling ----

--- The default of an entry as it is told, nil where there is none to tell.
function options.default_text(entry)
   if entry.show ~= nil and entry.show ~= false then return tostring(entry.show) end
   local default = entry.default
   if default == nil or type(default) == "function" or type(default) == "table" then return nil end
   return tostring(default)
end

--- What the value of a flag is called where it is explained.
function options.value_name(entry)
   if entry.value then return entry.value end
   if entry.choices then return "NAME" end
   return entry.whole and "N" or entry.number and "X" or "TEXT"
end

local WIDTH = 100 -- of a line of help, in letters, where nothing else is said

-- A text in lines of at most `columns`, those after the first one indented.
local function wrapped(text, indent, columns)
   local lines, line = {}, ""
   for word in text:gmatch "%S+" do
      if #line > 0 and indent + #line + 1 + #word > columns then lines[#lines + 1], line = line, "" end
      line = line == "" and word or line .. " " .. word
   end
   lines[#lines + 1] = line
   return table.concat(lines, "\n" .. (" "):rep(indent))
end

local function line_of(entry, width, columns)
   local parts = { entry.help }
   if entry.whole or entry.number or entry.choices then parts[#parts + 1] = options.expected(entry) end
   local default = options.default_text(entry)
   if entry.required then parts[#parts + 1] = "required" end
   if default then parts[#parts + 1] = "default " .. default end
   return ("   %-" .. width .. "s  %s"):format(entry[1], wrapped(table.concat(parts, "; "), width + 5, columns or WIDTH))
end

--- The options as lines of text, for help(), in lines of at most `columns` (100). `name`: that one alone, "" where there is
--- none of that name.
function Declaration:text(name, columns)
   local width, lines = 0, {}
   if name then return self.by_name[name] and line_of(self.by_name[name], #name, columns) or "" end
   for _, known in ipairs(self.names) do width = math.max(width, #known) end
   for i, entry in ipairs(self.entries) do lines[i] = line_of(entry, width, columns) end
   return table.concat(lines, "\n")
end

return options
