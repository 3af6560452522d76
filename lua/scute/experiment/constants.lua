-- Constants, `local RATE <const> = 0.25`: the compiler puts their values into the code that uses them, so that no function
-- knows them as variables. Their text is found where they are declared.
local tokens = require "scute.base.tokens"

local constants = {}

local VALUES = { ["nil"] = true, ["true"] = true, ["false"] = true }
local UNARY = { ["-"] = true, ["#"] = true, ["~"] = true, ["not"] = true }
local BINARY = { ["+"] = true, ["-"] = true, ["*"] = true, ["/"] = true, ["//"] = true, ["%"] = true, ["^"] = true,
   [".."] = true, ["&"] = true, ["|"] = true, ["~"] = true, ["<<"] = true, [">>"] = true, ["<"] = true, [">"] = true,
   ["<="] = true, [">="] = true, ["=="] = true, ["~="] = true, ["and"] = true, ["or"] = true }

local function is_operator(token, operators)
   return token ~= nil and (token.kind == "sign" or token.kind == "keyword") and operators[token.text] == true
end

-- Where one operand ends: a value, a name or a bracket; nil where another begins, which is no constant.
local function end_of_operand(list, at)
   while is_operator(list[at], UNARY) do at = at + 1 end
   local token = list[at]
   if not token then return nil end
   if token.kind == "number" or token.kind == "text" or token.kind == "name" or VALUES[token.text] then return at end
   return tokens.is(token, "(") and tokens.closing(list, at) or nil
end

-- Where the expression ends that begins at `at`; nil where it is no constant: it calls, or makes a table or a function.
local function end_of_constant(list, at)
   local last = end_of_operand(list, at)
   while last and is_operator(list[last + 1], BINARY) do last = end_of_operand(list, last + 2) end
   if not last or list[last].kind ~= "name" then return last end
   local next_one = list[last + 1]
   local goes_on = next_one and next_one.kind == "text"
   for _, sign in ipairs { "(", "{", "[", ".", ":" } do goes_on = goes_on or tokens.is(next_one, sign) end
   return not goes_on and last or nil
end

-- The names that a declaration begins with, `A <const>, B <const> =`, and where its values begin; nil where none are constant.
local function names_at(list, at)
   local names, is_constant = {}, false
   while list[at] and list[at].kind == "name" do
      names[#names + 1], at = list[at].text, at + 1
      if tokens.is(list[at], "<") and list[at + 1] and tokens.is(list[at + 2], ">") then
         is_constant, at = true, at + 3
      end
      if not tokens.is(list[at], ",") then break end
      at = at + 1
   end
   return is_constant and tokens.is(list[at], "=") and names or nil, at + 1
end

local OPENS = { ["("] = true, ["["] = true, ["{"] = true }

-- Where the value begins that follows the one at `at` in a list of values, whatever that is; nil where it is not to be seen.
local function next_value(list, at)
   while at and list[at] and list[at].kind ~= "keyword" do
      if tokens.is(list[at], ",") then return at + 1 end
      at = is_operator(list[at], OPENS) and tokens.closing(list, at) or at
      at = at + 1
   end
end

local function add_declaration(found, list, at)
   local names, first = names_at(list, at)
   for _, name in ipairs(names or {}) do
      local last = first and end_of_constant(list, first)
      if last then
         found[name] = found[name] or {}
         table.move(list, first, last, #found[name] + 1, found[name])
      end
      first = first and next_value(list, last and last + 1 or first)
   end
end

local read = setmetatable({}, { __mode = "k" }) -- list of tokens -> its constants

--- The constants that a list of tokens declares: name -> the tokens of its value, of several of one name those of all.
function constants.of(list)
   if not read[list] then
      read[list] = {}
      for i, token in ipairs(list) do
         if token.kind == "keyword" and token.text == "local" then add_declaration(read[list], list, i + 1) end
      end
   end
   return read[list]
end

return constants
