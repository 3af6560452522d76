-- What was typed, as words and signs: enough of Lua to know what stands before the cursor.
local tokens = {}

local KEYWORDS = {}
tokens.KEYWORDS = { "and", "break", "do", "else", "elseif", "end", "false", "for", "function", "goto", "if", "in", "local",
   "nil", "not", "or", "repeat", "return", "then", "true", "until", "while" }
for _, word in ipairs(tokens.KEYWORDS) do KEYWORDS[word] = true end

-- Where a quoted text ends that begins at `from`; nil where it is still open.
local function end_of_quote(text, from)
   local quote, at = text:sub(from, from), from + 1
   while at <= #text do
      local c = text:sub(at, at)
      if c == quote then return at end
      if c == "\n" then return at - 1 end
      at = at + (c == "\\" and 2 or 1)
   end
end

-- Kind, last byte and (of what is still open) the start of its content, of the token at `at`.
local function token_at(text, at)
   local level = text:match("^%[(=*)%[", at)
   if text:find("^%-%-", at) then
      local inner = text:match("^%-%-%[(=*)%[", at)
      local last = inner and select(2, text:find("]" .. inner .. "]", at, true)) or not inner and text:find("\n", at, true)
      return last and "comment" or "open comment", last or #text
   elseif level then
      local last = select(2, text:find("]" .. level .. "]", at, true))
      return last and "text" or "open long text", last or #text
   elseif text:find("^[\"']", at) then
      local last = end_of_quote(text, at)
      return last and "text" or "open text", last or #text, at + 1
   elseif text:find("^[%a_]", at) then
      local last = select(2, text:find("^[%w_]*", at))
      return KEYWORDS[text:sub(at, last)] and "keyword" or "name", last
   elseif text:find("^%.?%d", at) then
      return "number", select(2, text:find("^[%w.]+", at))
   end
   for _, sign in ipairs { "^%.%.%.?", "^::", "^//", "^<<", "^>>", "^[=~<>]=" } do
      local last = select(2, text:find(sign, at))
      if last then return "sign", last end
   end
   return "sign", at
end

--- The tokens of a text: { kind, text, first, last }, without blanks and comments. kind is "name", "keyword", "number",
-- "text", "sign", or "open text", "open long text" and "open comment" of the last one where it is not closed; content: what
-- is typed of an open text.
function tokens.of(text)
   local list, at = {}, 1
   while true do
      at = text:find("%S", at)
      if not at then return list end
      local kind, last, content = token_at(text, at)
      if kind ~= "comment" then
         list[#list + 1] = { kind = kind, text = text:sub(at, last), first = at, last = last,
            content = kind == "open text" and text:sub(content) or nil }
      end
      at = last + 1
   end
end

-- ---- brackets ----

local CLOSES = { [")"] = "(", ["]"] = "[", ["}"] = "{" }
local OPENS = { ["("] = true, ["["] = true, ["{"] = true }

--- Whether a token is that sign.
function tokens.is(token, sign)
   return token ~= nil and token.kind == "sign" and token.text == sign
end

-- From a bracket at `at` on, step by step to `last`: the place of its other one; nil where there is none. mine: the signs
-- that it is one of; theirs: those of the other ones.
local function partner(list, at, last, step, mine, theirs)
   local depth = 0
   for i = at, last, step do
      local token = list[i]
      if token.kind == "sign" and mine[token.text] then depth = depth + 1 end
      if token.kind == "sign" and theirs[token.text] then
         depth = depth - 1
         if depth == 0 then return i end
      end
   end
end

--- The place of the bracket that opens what the one at `at` closes; nil where there is none.
function tokens.opening(list, at)
   return partner(list, at, 1, -1, CLOSES, OPENS)
end

--- The place of the innermost bracket that is open behind the token at `at`.
function tokens.open_bracket(list, at)
   local i = at
   while i and i >= 1 do
      local token = list[i]
      if token.kind == "sign" and OPENS[token.text] then return i end
      if token.kind == "sign" and CLOSES[token.text] then i = tokens.opening(list, i) end
      i = i and i - 1
   end
end

--- The place of the bracket that closes the one at `at`; nil where it is open.
function tokens.closing(list, at)
   return partner(list, at, #list, 1, OPENS, CLOSES)
end

-- Whether a call, an index or a field may follow a token.
local function ends_value(token)
   return token ~= nil and (token.kind == "name" or token.kind == "text"
      or tokens.is(token, ")") or tokens.is(token, "]") or tokens.is(token, "}"))
end
tokens.ends_value = ends_value

--- Where the expression begins that ends with the token at `at`, as `a.b[1]:c(x)` does with its `)`; nil where none ends there.
function tokens.start_of_value(list, at)
   while true do
      local token = list[at]
      if not ends_value(token) then return nil end
      local first = at
      if token.kind == "sign" then
         first = tokens.opening(list, at)
         if not first then return nil end
      end
      local before = list[first - 1]
      if token.kind == "name" and (tokens.is(before, ".") or tokens.is(before, ":")) then
         at = first - 2
      elseif token.kind ~= "name" and ends_value(before) then
         at = first - 1
      else
         return first
      end
   end
end

return tokens
