-- Named arguments at the cursor: in the braces of a call, their names, and behind `name =` their choices. They are those
-- that are declared for what is called; for functions bound in C, those that their comments name.
local expression = require "scute.repl.complete.expression"
local options = require "scute.base.options"
local scute = require "scute"
local tokens = require "scute.base.tokens"

local arguments = {}

local WORDS = { -- of arguments whose declaration does not list them
   dtype = { "f32", "f64", "f16", "bf16", "i64", "u8" },
   device = { "auto", "cpu", "cuda" },
   filter = { "bilinear", "bicubic" },
}

-- ---- what is declared ----

local function entry(name, choices, flag)
   return { name = name, choices = choices or WORDS[name], flag = flag }
end

local function of_declaration(declaration)
   local list = {}
   for i, declared in ipairs(declaration.entries) do
      local ok, choices = pcall(options.suggestions_of, declared)
      list[i] = entry(declared[1], ok and choices or nil, declared.flag)
   end
   return list
end

local function of_op(name, is_method)
   local list = {}
   for i, argument in ipairs(scute.op_info(name).arguments) do
      if i > 1 or not is_method then
         list[#list + 1] = entry(argument.name, argument.choices or argument.suggests, argument.kind == "bool")
      end
   end
   return list
end

-- The words in quotes behind `name =`, up to the next one, where there are several.
local function quoted(text)
   local words = {}
   for word in text:gmatch '"([^"]*)"' do words[#words + 1] = word end
   return #words > 1 and words or nil
end

-- `{size = 256, filter = "bilinear" or "bicubic"}` and `{color, width}`.
local function of_braces(braces)
   local list, inside = {}, braces:sub(2, -2):gsub("%b{}", "")
   for part in (inside:gsub("[,;]%s*([%a_][%w_]*%s*=)", "\0%1") .. "\0"):gmatch "([^%z]*)%z" do
      local name, value = part:match "^%s*([%a_][%w_]*)%s*=(.*)$"
      if name then
         list[#list + 1] = entry(name, quoted(value), value:find "true" or value:find "false")
      else
         for bare in part:gmatch "[%a_][%w_]*" do list[#list + 1] = entry(bare) end
      end
   end
   return list
end

local function add(found, name, more)
   found[name] = found[name] or {}
   for _, argument in ipairs(more) do table.insert(found[name], argument) end
end

local bound

-- The braces with which a comment calls a function, `image:resize(256) or image:resize{size = 256}: ...`: an iterator.
local function braces_in(line, name)
   local at = 1
   return function()
      while at do
         local _, last = line:find(name, at, true)
         at = last and last + 1
         local call = at and (line:match("^%b()", at) or line:match("^%b{}", at))
         local braces = call and call:match "(%b{})[^{}]*$"
         if braces then return braces end
      end
   end
end

-- Name ("scute.zeros", "image:resize") -> arguments. `{...}` stands for what the function before it takes.
local function bindings()
   local found, usual = {}, {}
   for block in (scute.binding_help() .. "\n"):gmatch "(.-)\n\n" do
      local line = block:gsub("\n", " ")
      local name = line:match "^[%w_]+[.:][%w_.]*"
      for braces in braces_in(line, name or "\n") do
         if braces ~= "{...}" then usual = of_braces(braces) end
         add(found, name, usual)
      end
   end
   return found
end

local PREFIX = { tensor = "t:" }

-- "scute.zeros" or "image:resize" of a function bound in C.
local function name_of(thing)
   if thing.of and thing.of.kind then return (PREFIX[thing.of.kind] or thing.of.kind .. ":") .. thing.method end
   for name, value in next, scute do
      if rawequal(value, thing.value) then return "scute." .. name end
   end
end

-- What a thing takes when it is called: a list of { name, choices, flag }.
local function taken_by(thing)
   local declaration = options.of(thing.value)
   if declaration then return of_declaration(declaration) end
   local name = type(thing.value) == "function" and name_of(thing)
   if not name then return {} end
   local op = name:match "^scute%.([%w_]+)$" or name:match "^t:([%w_]+)$"
   if op and pcall(scute.op_info, op) then return of_op(op, thing.of ~= nil) end
   bound = bound or bindings()
   return bound[name] or {}
end

-- ---- what stands at the cursor ----

-- What is called with the bracket at `at`.
local function callee(list, at)
   return list[at - 1] and tokens.ends_value(list[at - 1]) and expression.before(list, at - 1) or nil
end

--- What is called with the innermost open bracket behind the token at `last`, and where that bracket is.
function arguments.called(list, last)
   local at = tokens.open_bracket(list, last)
   return at and tokens.is(list[at], "(") and callee(list, at) or nil, at
end

--- What is called with the braces that are open behind the token at `last`, alone or behind other arguments; and where they
-- are.
function arguments.braced(list, last)
   local at = tokens.open_bracket(list, last)
   if not at or not tokens.is(list[at], "{") then return nil end
   local direct = callee(list, at)
   if direct then return direct, at end
   local before = list[at - 1]
   if not (tokens.is(before, "(") or tokens.is(before, ",")) then return nil end
   return arguments.called(list, at - 1), at
end

local function given(list, from)
   local found = {}
   for i = from + 1, #list - 1 do
      if list[i].kind == "name" and tokens.is(list[i + 1], "=") and tokens.open_bracket(list, i) == from then
         found[list[i].text] = true
      end
   end
   return found
end

--- The names that may stand behind the token at `last`, as "name = ": a list; nil where that is no place for one.
function arguments.names(list, last)
   local before = list[last]
   if not (tokens.is(before, "{") or tokens.is(before, ",") or tokens.is(before, ";")) then return nil end
   local thing, at = arguments.braced(list, last)
   if not thing then return nil end
   local taken, names = given(list, at), {}
   for _, argument in ipairs(taken_by(thing)) do
      if not taken[argument.name] then names[#names + 1] = argument.name end
   end
   return #names > 0 and names or nil
end

--- What may stand behind `name =`, which ends at the token at `last`: a list of texts, and whether they are Lua and need no
-- quotes; nil where nothing is known.
function arguments.choices(list, last)
   local name = list[last - 1]
   if not tokens.is(list[last], "=") or not name or name.kind ~= "name" then return nil end
   local thing = arguments.braced(list, last - 2)
   for _, argument in ipairs(thing and taken_by(thing) or {}) do
      if argument.name == name.text and argument.choices then return argument.choices, false end
      if argument.name == name.text and argument.flag then return { "true", "false" }, true end
   end
end

return arguments
