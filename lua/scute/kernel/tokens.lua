-- The text of a kernel in words: identifiers, numbers and signs, each with its line; comments are blank.
local tokens = {}

-- Where the line that begins at `at` ends, with those that a \ adds to it.
local function line_end(text, at)
   repeat at = (text:find("\n", at, true) or #text + 1) + 1 until text:sub(at - 2, at - 2) ~= "\\" or at > #text
   return at - 2
end

-- Where the comment that begins at `at` ends; nil: it does not.
local function comment_end(text, at)
   if text:sub(at, at + 1) == "//" then return line_end(text, at) end
   local _, last = text:find("*/", at + 2, true)
   return last
end

-- Where the text or character that begins at `at` ends, at the latest with its line.
local function quote_end(text, at)
   local quote, last = text:sub(at, at), line_end(text, at)
   local from = at + 1
   while from <= last do
      local next_one = text:find("[\\" .. quote .. "]", from)
      if not next_one or next_one > last then return last end
      if text:sub(next_one, next_one) == quote then return next_one end
      from = next_one + 2
   end
   return last
end

-- C++ has 1'000.
local function is_separator(text, at)
   return text:sub(at, at) == "'" and (text:sub(1, at - 1):match "[%w_.']+$" or ""):find "^%.?%d" ~= nil
end

local function blank(text)
   return (text:gsub("[^\n]", " "))
end

-- What begins first: a comment, a text or a character; nil: there is none of them.
local function next_opaque(text, from)
   while true do
      local comment, quote = text:find("/[/*]", from), text:find("[\"']", from)
      if not quote or comment and comment < quote then return comment end
      if not is_separator(text, quote) then return quote, true end
      from = quote + 1
   end
end

--- The text with blanks for its comments and for what its texts and characters hold, line breaks kept; nil and the line of a
-- comment that does not end.
function tokens.without_comments(text)
   local parts, from = {}, 1
   while true do
      local at, is_quote = next_opaque(text, from)
      if not at then break end
      local last = (is_quote and quote_end or comment_end)(text, at)
      if not last then return nil, select(2, text:sub(1, at):gsub("\n", "")) + 1 end
      local first, final = at, last
      if is_quote then
         first = at + 1
         final = last > at and text:sub(last, last) == text:sub(at, at) and last - 1 or last
      end
      parts[#parts + 1] = text:sub(from, first - 1) .. blank(text:sub(first, final)) .. text:sub(final + 1, last)
      from = last + 1
   end
   return table.concat(parts) .. text:sub(from)
end

local SIGNS = { "<<=", ">>=", "++", "--", "+=", "-=", "*=", "/=", "%=", "&=", "|=", "^=", "==", "!=", "<=", ">=", "&&", "||",
   "<<", ">>", "->" }

local function sign_at(text, at)
   for _, sign in ipairs(SIGNS) do
      if text:sub(at, at + #sign - 1) == sign then return sign end
   end
   return text:sub(at, at)
end

-- A number as C has it, with what is glued to it.
local function number_at(text, at)
   return text:match("^0[xX][%w.]*", at) or text:match("^%d+%.?%d*[eE][+-]?%d+%w*", at) or
      text:match("^%.%d+[eE][+-]?%d+%w*", at) or text:match("^%d+%.?%d*%w*", at) or text:match("^%.%d+%w*", at)
end

local function word_at(text, at)
   local name = text:match("^[%a_][%w_]*", at)
   if name then return "name", name end
   local number = number_at(text, at)
   if number then return "number", number end
   return "sign", sign_at(text, at)
end

--- The words of a text without comments: { kind = "name", "number" or "sign", text, line, before = the blanks before it }; what
-- stands behind the last one.
function tokens.of(text)
   local list, at, line = {}, 1, 1
   while true do
      local blanks = text:match("^%s*", at)
      at, line = at + #blanks, line + select(2, blanks:gsub("\n", ""))
      if at > #text then return list, blanks end
      local kind, word = word_at(text, at)
      list[#list + 1] = { kind = kind, text = word, line = line, before = blanks }
      at = at + #word
   end
end

--- The last line of a text in which something stands: what is missing at its end is missing there.
function tokens.last_line(text)
   return select(2, (text:match "^.*%S" or ""):gsub("\n", "")) + 1
end

--- Whether a number has a fraction or an exponent: a double in C, where it ends in no f.
function tokens.is_real(number)
   return not number:find "^0[xX]" and number:find "[.eE]" ~= nil
end

-- The text of words, each number with a fraction as `change` makes it. A word may have `after`, what is to follow it.
local function with_numbers(list, rest, change)
   local parts = {}
   for i, token in ipairs(list) do
      local is_number = token.kind == "number" and tokens.is_real(token.text)
      parts[i] = token.before .. (is_number and change(token.text) or token.text) .. (token.after or "")
   end
   return table.concat(parts) .. rest
end

--- The text of words, each number with a fraction a float.
function tokens.as_float(list, rest)
   return with_numbers(list, rest, function(number) return number:find "%a$" and number or number .. "f" end)
end

--- The text of words, each number with a fraction a double.
function tokens.as_double(list, rest)
   return with_numbers(list, rest, function(number) return (number:gsub("[fF]$", "")) end)
end

return tokens
