-- What stands in the text of a kernel: whether every name in it is known, what it reads and what it assigns. What is wrong is
-- told with the line of the text, before a compiler sees it.
local functions = require "scute.kernel.functions"
local hints = require "scute.kernel.hints"
local nearest = require("scute.core").nearest
local tokens = require "scute.kernel.tokens"
local whole_numbers = require "scute.kernel.whole_numbers"

local names = {}

local function set(...)
   local all = {}
   for _, word in ipairs { ... } do all[word] = true end
   return all
end

local TYPES = set("float", "int", "bool", "unsigned", "long", "const", "uint32_t", "int32_t", "int64_t")
local STATEMENTS = set("if", "else", "for", "while", "do", "break", "continue")
local WORDS = set("if", "else", "for", "while", "do", "break", "continue", "true", "false")

-- Words of C, C++, CUDA and Lua that a text has no use for, and what to say of some.
local REASONS = {
   double = "a text computes in float, and in double for f64 tensors; write 'float'",
   ["return"] = "assign the output instead",
   ["local"] = "the text is C; write 'float'",
   ["then"] = "the text is C; write 'if (condition) { ... }'",
   ["end"] = "the text is C; write '}'",
   ["and"] = "the text is C; write '&&'",
   ["or"] = "the text is C; write '||'",
   ["not"] = "the text is C; write '!'",
   math = "the text is C; write 'exp(x)'",
}
local RESERVED = set("auto", "case", "char", "default", "double", "enum", "extern", "goto", "inline", "register", "restrict",
   "return", "short", "signed", "sizeof", "static", "struct", "switch", "typedef", "typeof", "union", "void", "volatile", "asm",
   "class", "template", "new", "delete", "this", "operator", "public", "private", "using", "namespace", "half", "main",
   "alignas", "alignof", "and_eq", "bitand", "bitor", "catch", "compl", "concept", "const_cast", "consteval", "constexpr",
   "constinit", "co_await", "co_return", "co_yield", "decltype", "dynamic_cast", "explicit", "export", "friend", "mutable",
   "noexcept", "not_eq", "nullptr", "or_eq", "protected", "reinterpret_cast", "requires", "static_assert", "static_cast",
   "thread_local", "throw", "try", "typeid", "typename", "virtual", "xor", "xor_eq", "NULL", "memcpy", "linux", "unix",
   "threadIdx", "blockIdx", "blockDim", "gridDim", "warpSize")

-- What headers of C define.
local DEFINED = { "^M_", "^FP_", "^HUGE_VAL", "^U?INT[%w_]*_", "^SIZE_MAX$", "^PTRDIFF_", "^WCHAR_", "^WINT_",
   "^u?int[%w_]*_t$", "^RAND_MAX$", "^EXIT_", "^SEEK_", "^EOF$", "^BUFSIZ$" }

local ASSIGNS = set("=", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "<<=", ">>=", "++", "--")

--- What is wrong with a name of an input, an output or a number; nil where nothing is.
function names.problem(name)
   if not name:find "^[%a][%w_]*$" then return "expected a name of letters, digits and _, beginning with a letter" end
   if #name > 60 then return "expected a name of at most 60 letters" end
   if TYPES[name] or WORDS[name] or RESERVED[name] then return "that is a word of C" end
   if functions.by_name[name] then return "that is a function of the text" end
   if functions.meant[name] then return "that is a function of C's" end
   for _, constant in ipairs(functions.constants) do
      if constant[1] == name then return "that is a constant of the text" end
   end
   for _, pattern in ipairs(DEFINED) do
      if name:find(pattern) then return "C's headers define such names" end
   end
   if name:find "^scute_" or name:find "^SCUTE_" or name:find "^sc_" then return "such names are scute's own" end
end

-- ---- reading a text ----

local Reader = {}
Reader.__index = Reader

function Reader:fail(token, message, ...)
   local where = token and (", line %d"):format(token.line) or ""
   error({ text = ("%s%s: %s"):format(self.what, where, message:format(...)) }, 0)
end

local function is_constant(name)
   for _, constant in ipairs(functions.constants) do
      if constant[1] == name then return true end
   end
   return false
end

-- Those as long as the name first: of two that are as near, the other one was hardly meant.
local function all_known(self, wanted)
   local known = {}
   local function distance(name) return math.abs(#name - #wanted) end
   for _, names_of in ipairs { self.reads, self.writes, self.locals, functions.by_name } do
      for name in pairs(names_of) do known[#known + 1] = name end
   end
   for _, constant in ipairs(functions.constants) do known[#known + 1] = constant[1] end
   table.sort(known, function(a, b)
      if distance(a) ~= distance(b) then return distance(a) < distance(b) end
      return a < b
   end)
   return known
end

function Reader:unknown(token, at)
   local name = token.text
   if REASONS[name] then self:fail(token, "'%s' has no place here: %s", name, REASONS[name]) end
   if RESERVED[name] then self:fail(token, "'%s' has no place in the text of a kernel", name) end
   local hint = hints.of_name(self.list, at)
   if hint then self:fail(token, "%s", hint) end
   local near = nearest(name, all_known(self, name))
   if not near and self:assigned(at) then
      self:fail(token, "'%s' is not known; write 'float %s' where it begins", name, name)
   end
   self:fail(token, "'%s' is not known; %s", name, near and ("did you mean '%s'?"):format(near) or
      "help(scute.kernel) lists what is")
end

-- The number of arguments of the call whose bracket is word `open`.
local function count_arguments(list, open)
   local depth, commas = 0, 0
   for i = open, #list do
      local sign = list[i].kind == "sign" and list[i].text
      if sign == "(" then depth = depth + 1 end
      if sign == ")" then depth = depth - 1 end
      if sign == "," and depth == 1 then commas = commas + 1 end
      if depth == 0 then return i == open + 1 and 0 or commas + 1 end
   end
end

function Reader:call(token, at, entry)
   local following = self.list[at + 1]
   if not following or following.text ~= "(" then
      self:fail(token, "'%s' is a function; call it, as in %s(x)", token.text, token.text)
   end
   self.calls = self.calls + 1
   local count = count_arguments(self.list, at + 1)
   if count and count ~= entry[2] then
      self:fail(token, "'%s' takes %d argument%s, found %d", token.text, entry[2], entry[2] == 1 and "" or "s", count)
   end
end

function Reader:assigned(at)
   local before, after = self.list[at - 1], self.list[at + 1]
   return after and after.kind == "sign" and ASSIGNS[after.text]
      or before and before.kind == "sign" and (before.text == "++" or before.text == "--")
end

function Reader:variable(token, at)
   local name = token.text
   if self:assigned(at) then
      if self.reads[name] and not self.writes[name] then
         self:fail(token, "'%s' is %s and cannot be assigned; assign %s", name, self.reads[name], self.target)
      end
      self.assigns[name] = true
   else
      self.mentions[name] = true
   end
   if self.reads[name] then self.used[name] = true end
end

-- A local begins as 0, on whichever path it is assigned: C would take what another element left there.
function Reader:begin(token, at)
   local list, last = self.list, at
   while list[last + 1] and list[last + 1].text == "[" do
      repeat last = last + 1 until not list[last + 1] or list[last].text == "]"
   end
   local following = list[last + 1] and list[last + 1].text
   if following ~= ";" and following ~= "," then return end
   for i = at + 1, last do
      if list[i].kind == "name" then return end -- an array of so many is not to be initialised in C
   end
   list[last].after = last == at and " = 0" or " = { 0 }"
   if last == at then self.unset[#self.unset + 1] = token end
end

function Reader:declare(token, at)
   local name = token.text
   local known = self.reads[name] or self.writes[name]
   if known then self:fail(token, "'%s' is %s already; give the local another name", name, known) end
   local problem = names.problem(name)
   if problem then self:fail(token, "'%s' cannot be declared: %s", name, problem) end
   self.locals[name] = true
   self:begin(token, at)
end

function Reader:name(token, at)
   local name = token.text
   local entry, previous = functions.by_name[name], self.list[at - 1]
   if TYPES[name] or WORDS[name] or is_constant(name) then return end
   if self.declaring and previous and (TYPES[previous.text] or previous.text == "," and self.depth == self.declaring) then
      self:declare(token, at)
   elseif entry then
      self:call(token, at, entry)
   elseif self.reads[name] or self.writes[name] or self.locals[name] then
      self:variable(token, at)
   else
      self:unknown(token, at)
   end
end

local OPENS, CLOSES = { ["("] = ")", ["{"] = "}", ["["] = "]" }, set(")", "}", "]")
local REFUSED = {
   ["#"] = "lines for the preprocessor have no place in the text of a kernel",
   ['"'] = "texts have no place in the text of a kernel",
   ["'"] = "characters have no place in the text of a kernel",
   ["\\"] = "'\\' has no place in the text of a kernel",
   ["^"] = "'^' is no power in C; write pow(x, 2) or x * x",
   ["~"] = "'~' has no place here: in C, not equal is '!='",
   ["`"] = "'`' has no place in the text of a kernel",
   ["@"] = "'@' has no place in the text of a kernel",
   ["$"] = "'$' has no place in the text of a kernel",
}

function Reader:bracket(token)
   local sign = token.text
   if OPENS[sign] then
      self.open[#self.open + 1] = token
      self.depth = self.depth + 1
   elseif CLOSES[sign] then
      local opened = table.remove(self.open)
      if not opened or OPENS[opened.text] ~= sign then self:fail(token, "'%s' closes nothing", sign) end
      self.depth = self.depth - 1
   end
end

function Reader:sign(token)
   if token.text:find "[\128-\255%c]" then self:fail(token, "a byte that is no letter of C's") end
   if REFUSED[token.text] then self:fail(token, "%s", REFUSED[token.text]) end
   if token.text == ";" then self.declaring = nil end
   self:bracket(token)
end

-- A type begins a declaration, unless it is a cast or a type's second word.
function Reader:type(token, at)
   local previous, following = self.list[at - 1], self.list[at + 1]
   local is_cast = previous and previous.text == "(" and following and (following.text == ")" or TYPES[following.text])
      and not (self.list[at - 2] and self.list[at - 2].text == "for")
   if TYPES[token.text] and not is_cast then self.declaring = self.declaring or self.depth end
end

function Reader:number(token)
   local text = token.text
   local fits = text:find "^0[xX]%x+[uU]?$" or tokens.is_real(text) and text:find "^[%d.]+[eE]?[+-]?%d*[fF]?$"
      or text == "0" or text:find "^[1-9]%d*[uU]?$"
   if not fits then self:fail(token, "'%s' is no number of C", text) end
end

function Reader:read()
   for at, token in ipairs(self.list) do
      local hint = hints.of_sign(self.list, at, self.floats)
      if hint then self:fail(token, "%s", hint) end
      if token.kind == "name" then
         self:type(token, at)
         self:name(token, at)
      elseif token.kind == "number" then
         self:number(token)
      else
         self:sign(token)
      end
   end
   local open = self.open[#self.open]
   if open then self:fail(open, "'%s' is not closed", open.text) end
   whole_numbers(self.list, TYPES, STATEMENTS, function(token, problem) self:fail(token, "%s", problem) end)
   for _, token in ipairs(self.unset) do
      if self.mentions[token.text] and not self.assigns[token.text] then
         self:fail(token, "'%s' is never assigned", token.text)
      end
   end
end

--- Reads the text of a kernel. what: what messages call it, "kernel 'mish', forward". reads: what each name that it may read is
-- ("an input"), by name; writes: the same of those that it is to assign; target: those, for messages. Returns { used = names
-- of `reads` that it mentions, assigns = names that it assigns, as sets; calls = how many functions it calls; float, double =
-- the text for each }; nil and what is wrong.
function names.read(text, what, reads, writes, target)
   local plain, line = tokens.without_comments(text)
   if not plain then return nil, ("%s, line %d: the comment does not end"):format(what, line) end
   if plain:find "\0" then return nil, ("%s: there is a zero byte in the text"):format(what) end
   local list, rest = tokens.of(plain)
   local floats = setmetatable({}, { __index = function(_, name) return reads[name] or writes[name] end })
   local self = setmetatable({ what = what, list = list, reads = reads, writes = writes, floats = floats, target = target,
      locals = {}, used = {}, assigns = {}, mentions = {}, unset = {}, open = {}, depth = 0, calls = 0 }, Reader)
   local ok, problem = pcall(self.read, self)
   if not ok then
      if type(problem) ~= "table" or not problem.text then error(problem, 0) end
      return nil, problem.text
   end
   return { used = self.used, assigns = self.assigns, calls = self.calls, float = tokens.as_float(list, rest),
      double = tokens.as_double(list, rest) }
end

return names
