-- What is typed at the prompt becomes a chunk: a value to show where there is one, `local` kept for the session.
--
--    x = 1; x + 1        the last expression after a `;` is shown
--    local x = 1         x is there in the next line too, which in Lua's own session it is not
local source = {}

local OPENING = { ["function"] = 1, ["do"] = 1, ["then"] = 1, ["repeat"] = 1, ["("] = 1, ["{"] = 1, ["["] = 1 }
local CLOSING = { ["end"] = 1, ["until"] = 1, ["elseif"] = 1, [")"] = 1, ["}"] = 1, ["]"] = 1 }

-- End of the long bracket that opens at `from` ([[, [=[ ...), nil where there is none.
local function long_bracket(text, from)
   local level = text:match("^%[(=*)%[", from)
   if not level then return nil end
   local _, last = text:find("]" .. level .. "]", from, true)
   return last or #text
end

local function end_of_string(text, from)
   local quote, at = text:sub(from, from), from + 1
   while at <= #text do
      local c = text:sub(at, at)
      if c == quote then return at end
      at = at + (c == "\\" and 2 or 1)
   end
   return #text
end

--- Calls visit(token, at, last, depth) for each word and sign outside strings and comments; depth 0 is outside all
--- blocks and brackets. Stops where visit returns true.
function source.scan(text, visit)
   local at, depth = 1, 0
   while at <= #text do
      local last = select(2, text:find("^[%a_][%w_]*", at))
      if text:find("^%-%-", at) then
         last = long_bracket(text, at + 2) or (text:find("\n", at, true) or #text + 1) - 1
      elseif text:find("^[\"']", at) then
         last = end_of_string(text, at)
      elseif long_bracket(text, at) then
         last = long_bracket(text, at)
      elseif not text:find("^%s", at) then
         last = last or at
         if text:find("^%d", at) then last = select(2, text:find("^%d[%w_.]*", at)) end
         local token = text:sub(at, last)
         if CLOSING[token] then depth = depth - 1 end
         if visit(token, at, last, depth) then return end
         if OPENING[token] then depth = depth + 1 end
      end
      at = (last or at) + 1
   end
end

-- `local x = 1` -> `      x = 1`, `local x` -> `      x = nil`: blanks keep the columns. A chunk with attributes
-- (<close>, <const>) stays as it is: those belong to a scope. Returns that and the names.
local function keep_locals(text)
   local starts, attributes = {}, false
   source.scan(text, function(token, first, _, depth)
      if depth == 0 and token == "local" then starts[#starts + 1] = first end
      if depth == 0 and token == "<" and text:find("^<%s*%l+%s*>%s*[=,]", first) then attributes = true end
   end)
   if #starts == 0 or attributes then return nil end
   local kept = {}
   for i = #starts, 1, -1 do
      local from = starts[i]
      local rest = text:sub(from + 5)
      local names = rest:match "^%s+[%a_][%w_%s,]*"
      local follows = names and rest:sub(#names + 1, #names + 1)
      local is_function = names and names:find "^%s+function%s"
      if names and not is_function and follows ~= "=" then
         -- Only the names themselves: what comes after a blank on the next line is another statement.
         local list = names:match "^%s+[%a_][%w_]*" .. (names:match "^%s+[%a_][%w_]*(%s*,.*)$" or "")
         list = list:match "^(.-)%s*$"
         rest, names = list .. " = nil" .. rest:sub(#list + 1), list
      end
      for name in (names or ""):gmatch "[%a_][%w_]*" do
         if not is_function or name ~= "function" then kept[#kept + 1] = name end
      end
      text = text:sub(1, from - 1) .. "     " .. rest
   end
   return text, kept
end

-- Whether there is nothing but blanks and comments.
local function is_empty(text)
   return not text:gsub("%-%-%[(=*)%[.-%]%1%]", ""):gsub("%-%-[^\n]*", ""):find "%S"
end

-- Not as a tail call, which would take the chunk off the stack: errors say in which line of what was typed they were.
local SHOW = "local _prompt <close> = nil return "

-- Puts `return` before what follows the last `;` outside all blocks, if that compiles.
local function show_last(text, name)
   local cuts = {}
   source.scan(text, function(token, _, last, depth)
      if depth == 0 and token == ";" then cuts[#cuts + 1] = last end
   end)
   for i = #cuts, 1, -1 do
      local rest = text:sub(cuts[i] + 1)
      if not is_empty(rest) then return load(text:sub(1, cuts[i]) .. " " .. SHOW .. rest, name, "t") end
   end
end

-- The same before the last of several lines that begins outside all blocks, as in a block that is pasted. A line that begins
-- with a sign may go on with the one before, as `-x` or `(f)()` does: it does where that compiles.
local function show_last_line(text, name)
   local cuts, before, is_chunk = {}, nil, load(text, name, "t") ~= nil
   source.scan(text, function(token, first, last, depth)
      local begins_line = before and text:sub(before, first):find("\n", 1, true)
      local may_begin = token:find "^[%w_]" or not is_chunk
      if depth == 0 and begins_line and may_begin and not CLOSING[token] then cuts[#cuts + 1] = first - 1 end
      before = last
   end)
   for i = #cuts, 1, -1 do
      local chunk = load(text:sub(1, cuts[i]) .. " " .. SHOW .. text:sub(cuts[i] + 1), name, "t")
      if chunk then return chunk end
   end
end

-- `x:shape` lacks its arguments for good: nobody writes those on the next line.
local function is_incomplete(message)
   if message:find("function arguments expected", 1, true) then return false end
   return message:sub(-5) == "<eof>" or message:find("unfinished long", 1, true) ~= nil
end

local function compile_one(text, name)
   local chunk = load(SHOW .. text, name, "t") or show_last(text, name)
   if chunk then return chunk end
   chunk = show_last_line(text, name)
   if chunk then return chunk end
   return load(text, name, "t")
end

--- Compiles what was typed. Returns a chunk and the names of the locals that it keeps; or nil, a message, and whether more
-- lines may complete it.
function source.compile(text, name)
   text = text:gsub("^%s*=", "return ")
   local chunk, message = compile_one(text, name)
   local kept, names = keep_locals(text)
   local keeping = kept and (chunk or load(kept, name, "t")) and compile_one(kept, name)
   if keeping then return keeping, names end
   if chunk then return chunk, {} end
   if is_incomplete(message) then return nil, message, true end
   local _, as_value = load("return " .. text, name, "t")
   if as_value and is_incomplete(as_value) then return nil, as_value, true end
   return nil, message, false
end

local PROMPT = "^%s*%d*>>?%f[%s\0] ?"

--- What was typed, of text that was copied out of a session, as in the README: the lines behind the prompts, and those that
--- they need. The rest is what the session said. nil where the text begins with no prompt.
function source.without_prompts(text)
   if not text:find("^%s*%d*>%f[%s\0]") then return nil end
   local kept, chunk, goes_on = {}, "", false
   for line in (text .. "\n"):gmatch "(.-)\n" do
      local rest, prompts = line:gsub(PROMPT, "")
      if prompts > 0 or goes_on then
         chunk = goes_on and chunk .. "\n" .. rest or rest
         kept[#kept + 1] = rest
         goes_on = select(3, source.compile(chunk, "=copied")) or false
      end
   end
   return (table.concat(kept, "\n"):gsub("\n+$", ""))
end

--- Whether more lines may complete what was typed, which is no chunk yet.
function source.is_unfinished(text)
   local chunk, _, unfinished = source.compile(text, "=input")
   return not chunk and unfinished and text:find "%S" ~= nil
end

--- Whether what was typed ends with a `;`, comments aside, which asks that its value is not shown.
function source.is_silent(text)
   local at
   source.scan(text, function(token, first) at = token == ";" and first or nil end)
   return at ~= nil and is_empty(text:sub(at + 1))
end

return source
