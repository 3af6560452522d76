-- What to say where the text of a kernel is written as Lua, Python or C++ are.
local tokens = require "scute.kernel.tokens"

local hints = {}

local CLAMP = "'%s' is not known; write min(max(x, 0), 1)"
local ALL = "'%s' is of many elements, and the text of one; it takes tensor ops, or a whole function (option c)"
local NAMES = { clamp = CLAMP, clip = CLAMP, saturate = CLAMP, PI = "'%s' is not known; write M_PI",
   pi = "'%s' is not known; write M_PI", inf = "'%s' is not known; write INFINITY", nan = "'%s' is not known; write NAN",
   where = "'%s' is not known; write condition ? a : b", select = "'%s' is not known; write condition ? a : b",
   ln = "'%s' is not known; write log(x), which is the natural logarithm", square = "'%s' is not known; write x * x",
   softmax = ALL, log_softmax = ALL, mean = ALL, sum = ALL, norm = ALL }

local function text_at(list, at)
   return list[at] and list[at].text
end

-- The last word of a path as torch.nn.tanh or std::max, nil where none begins there.
local function last_of_path(list, at)
   local last
   while true do
      local sign = text_at(list, at + 1)
      local after = sign == "." and at + 2 or sign == ":" and text_at(list, at + 2) == ":" and at + 3
      if not after or not list[after] or list[after].kind ~= "name" then return last end
      at, last = after, list[after].text
   end
end

local function begins_statement(list, at)
   local before = text_at(list, at - 1)
   return not before or before == ";" or before == "{" or before == "}"
end

--- Of a name that is not known; nil: nothing.
function hints.of_name(list, at)
   local name, last = list[at].text, last_of_path(list, at)
   if last then return ("'%s': the text is C, whose functions stand alone; write %s(x)"):format(name, last) end
   if text_at(list, at - 1) == "--" and begins_statement(list, at - 1) then return "in C a comment begins with //" end
   return NAMES[name] and NAMES[name]:format(name)
end

local function is_value(token)
   return token ~= nil and (token.kind ~= "sign" or token.text == ")")
end

-- Whether a word is a float, as far as it can be told by itself.
local function is_float(token, floats)
   return token and (floats[token.text] ~= nil or token.kind == "number" and tokens.is_real(token.text))
end

local SIGNS = {}

SIGNS["--"] = function(list, at)
   local following = list[at + 1]
   if following and following.before ~= "" and begins_statement(list, at) then return "in C a comment begins with //" end
end

SIGNS["*"] = function(list, at)
   local following = list[at + 1]
   if following and following.text == "*" and following.before == "" and is_value(list[at - 1]) then
      return "'**' is no power in C; write pow(x, 2) or x * x"
   end
end

SIGNS["%"] = function(list, at, floats)
   local is_cast = text_at(list, at - 2) == ")" -- (int)x % 2
   if not is_cast and is_float(list[at - 1], floats) or is_float(list[at + 1], floats) then
      return "'%' is of whole numbers in C; write fmod(x, y)"
   end
end

SIGNS["["] = function(list, at, floats)
   local name = text_at(list, at - 1)
   if name and floats[name] then
      return ("'%s' is one number, that of the element; what depends on others is a whole function (option c)"):format(name)
   end
end

SIGNS["."] = function(list, at, floats)
   local name, method = text_at(list, at - 1), list[at + 1]
   if name and floats[name] and method and method.kind == "name" then
      return ("'%s' is a number in C; write %s(%s)"):format(name, method.text, name)
   end
end

--- Of a sign. floats: the names that stand for floats, as keys; nil: nothing.
function hints.of_sign(list, at, floats)
   local hint = SIGNS[list[at].text]
   return hint and hint(list, at, floats)
end

return hints
