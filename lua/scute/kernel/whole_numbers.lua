-- Where C takes what a kernel's text says for whole numbers: 1 / 2 is 0 there, which is hardly meant where a float comes of it,
-- and 0 < x < 1 compares 0 or 1 with 1. Expressions are read as C has them; what is no C is left to those who read names.
local functions = require "scute.kernel.functions"
local tokens = require "scute.kernel.tokens"

local BINARY = { ["*"] = 10, ["/"] = 10, ["%"] = 10, ["+"] = 9, ["-"] = 9, ["<<"] = 8, [">>"] = 8, ["<"] = 7, ["<="] = 7,
   [">"] = 7, [">="] = 7, ["=="] = 6, ["!="] = 6, ["&"] = 5, ["^"] = 4, ["|"] = 3, ["&&"] = 2, ["||"] = 1 }
local COMPARES, LOGICAL, UNARY, STEPS, ASSIGNS = {}, {}, {}, {}, {}
for set, signs in pairs { [COMPARES] = "< <= > >= == !=", [LOGICAL] = "&& ||", [UNARY] = "- + ! ~ ++ --", [STEPS] = "++ --",
   [ASSIGNS] = "= += -= *= /= %= &= |= ^= <<= >>=" } do
   for sign in signs:gmatch "%S+" do set[sign] = true end
end
local TRUTHS = { isnan = true, isinf = true }

local Reader = {}
Reader.__index = Reader

-- ---- what comes of an expression: { real = it is a float, division = the sign of a division of whole numbers in it } ----

local WHOLE = { real = false }
local REAL = { real = true }

-- Its value becomes a float's.
function Reader:as_real(value)
   if not value.division then return end
   local at = value.division
   local sign, left, right = self.list[at], self.list[at - 1], self.list[at + 1]
   if left.kind == "number" and right.kind == "number" then
      self.fail(sign, ("%s / %s is a division of whole numbers in C; write %s.0 / %s"):format(left.text, right.text, left.text,
         right.text))
   end
   self.fail(sign, "'/' divides whole numbers here, which leaves no fraction in C; make one a float, as 1.0 or (float)n")
end

-- What two values have in common.
function Reader:joined(left, right)
   if left.real or right.real then
      self:as_real(left)
      self:as_real(right)
      return REAL
   end
   return left.division and left or right
end

function Reader:combine(sign, at, left, right)
   if LOGICAL[sign] then return WHOLE end
   local both = self:joined(left, right)
   if not COMPARES[sign] then return sign == "/" and not both.real and { real = false, division = at } or both end
   if left.ordered and BINARY[sign] == BINARY["<"] then
      self.fail(self.list[at], ("C compares what comes of the first comparison with '%s'; write a < b && b < c"):format(sign))
   end
   return { real = false, ordered = BINARY[sign] == BINARY["<"] }
end

-- ---- reading ----

function Reader:sign()
   local token = self.list[self.at]
   return token and token.kind == "sign" and token.text or nil
end

function Reader:accept(sign)
   local is_there = self:sign() == sign
   if is_there then self.at = self.at + 1 end
   return is_there
end

-- The types from word `at` on: whether they are of floats, and the next word; nil: there are none.
function Reader:types(at)
   local real, from = false, at
   while self.list[at] and self.is_type[self.list[at].text] do
      real = real or self.list[at].text == "float"
      at = at + 1
   end
   if at > from then return real, at end
end

function Reader:arguments()
   repeat self:as_real(self:assignment()) until not self:accept ","
   self:accept ")"
end

function Reader:name(token)
   self.at = self.at + 1
   if functions.by_name[token.text] and self:accept "(" then
      self:arguments()
      return TRUTHS[token.text] and WHOLE or REAL
   end
   if token.text == "true" or token.text == "false" then return WHOLE end
   return self.locals[token.text] == false and WHOLE or REAL
end

function Reader:bracket()
   local real, next_one = self:types(self.at + 1)
   if next_one and self.list[next_one] and self.list[next_one].text == ")" then -- a cast
      self.at = next_one + 1
      local value = self:unary()
      if not real then return WHOLE end
      self:as_real(value)
      return REAL
   end
   self.at = self.at + 1
   local value
   repeat value = self:assignment() until not self:accept ","
   self:accept ")"
   return value.ordered and WHOLE or value
end

function Reader:primary()
   local token = self.list[self.at]
   if not token or self.is_word[token.text] then return WHOLE end
   if token.kind == "name" then return self:name(token) end
   if token.text == "(" then return self:bracket() end
   if token.kind ~= "number" then return WHOLE end
   self.at = self.at + 1
   return tokens.is_real(token.text) and REAL or WHOLE
end

function Reader:unary()
   local sign = self:sign()
   if UNARY[sign] then
      self.at = self.at + 1
      local value = self:unary()
      return sign == "!" and WHOLE or value
   end
   local value = self:primary()
   if STEPS[self:sign()] then self.at = self.at + 1 end
   return value
end

function Reader:binary(least)
   local value = self:unary()
   while true do
      local sign, at = self:sign(), self.at
      local strength = BINARY[sign]
      if not strength or strength < least then return value end
      self.at = at + 1
      value = self:combine(sign, at, value, self:binary(strength + 1))
   end
end

function Reader:assignment()
   local value = self:binary(1)
   if self:accept "?" then
      local yes = self:assignment()
      self:accept ":"
      return self:joined(yes, self:assignment())
   end
   if not ASSIGNS[self:sign()] then return value end
   self.at = self.at + 1
   local given = self:assignment()
   if value.real then self:as_real(given) end
   return value.real and REAL or WHOLE
end

-- float a = 1, b;
function Reader:declaration(real, at)
   self.at = at
   repeat
      local token = self.list[self.at]
      if token and token.kind == "name" then self.locals[token.text] = real end
      self:assignment()
   until not self:accept ","
end

function Reader:statement()
   local token = self.list[self.at]
   local real, next_one = self:types(self.at)
   if next_one then return self:declaration(real, next_one) end
   if token.text == "for" then
      self.at = self.at + 1
      self:accept "("
      return
   end
   local before = self.at
   self:assignment()
   if self.at == before then self.at = before + 1 end
end

--- Looks through the words of a text. is_type, is_word: sets of C's words; fail: function(token, text), which raises.
return function(list, is_type, is_word, fail)
   local self = setmetatable({ list = list, at = 1, locals = {}, is_type = is_type, is_word = is_word, fail = fail }, Reader)
   while list[self.at] do self:statement() end
end
