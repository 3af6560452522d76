-- Completion at the prompt: what may stand behind what was typed. Names of variables, fields and methods of what an
-- expression gives, named arguments and their choices, words that a function takes, files, topics of help, commands.
-- Nothing that was typed is run for that (see complete/things.lua).
local arguments = require "scute.repl.complete.arguments"
local commands = require "scute.repl.commands"
local expression = require "scute.repl.complete.expression"
local files = require "scute.repl.complete.files"
local things = require "scute.repl.complete.things"
local tokens = require "scute.base.tokens"
local words = require "scute.repl.complete.words"

local complete = {
   lines = "", -- those of an unfinished chunk, which are no longer in the line that is edited
}

-- ---- candidates: a list, what is typed of them, and what they are ----

local function matching(names, start)
   local list, seen = {}, {}
   for _, name in ipairs(names) do
      if name:sub(1, #start) == start and not seen[name] then
         list[#list + 1], seen[name] = name, true
      end
   end
   table.sort(list)
   return list, start
end

local function keys_of(found, start)
   local list = {}
   for name in next, found do
      if start ~= "" or name:sub(1, 1) ~= "_" then list[#list + 1] = name end
   end
   return matching(list, start)
end

local function global_names(start)
   local found = {}
   for name in next, _G do
      if type(name) == "string" and name:find "^[%a_][%w_]*$" then found[name] = true end
   end
   for _, word in ipairs(tokens.KEYWORDS) do found[word] = true end
   return keys_of(found, start)
end

local function each(list, f)
   local made = {}
   for i, entry in ipairs(list) do made[i] = f(entry) end
   return made
end

-- Files that a text in quotes may name. Where the path began with ~, which only a shell knows, the home folder takes its place.
local function files_in_text(typed, quote)
   local function written(name) return (name:gsub("[\\" .. quote .. "]", "\\%0")) end
   local names, start, whole = files.matching((typed:gsub("\\(.)", "%1")))
   return each(names, written), written(start), whole and { replaces = #typed, by = written(whole) }
end

-- Files that a word of a command may name, as a shell writes them.
local function files_in_command(rest)
   local function written(name) return (name:gsub("[ '\"\\]", "\\%0")) end
   local word = rest:gsub("\\ ", "\0"):match "%S*$":gsub("%z", " "):gsub("\\(.)", "%1")
   local names, start = files.matching(word)
   return each(names, written), written(start)
end

-- What is given the text in quotes that opens behind the token at `last`: f(", f ", or a method with a list of texts,
-- m:f { "a", ".
local function taker(list, last)
   if tokens.is(list[last], "(") then return (arguments.called(list, last)) end
   if not (tokens.is(list[last], "{") or tokens.is(list[last], ",")) then return expression.before(list, last) end
   local thing = arguments.braced(list, last)
   return thing and thing.method and thing or nil
end

-- In quotes that are open: choices of an argument, words of what is called, or files.
local function in_text(list, typed)
   local last = #list - 1 -- the token before the quotes
   local known = arguments.choices(list, last)
   if not known and last > 0 then known = words.of(taker(list, last), typed) end
   if not known then return files_in_text(typed, list[#list].text:sub(1, 1)) end
   return matching(known, typed)
end

-- Behind `.` and `:`.
local function members(list, mark, start)
   local thing = expression.before(list, mark - 1)
   return keys_of(things.names(thing, list[mark].text == ":"), start)
end

-- In the braces of a call; nil where nothing is known there.
local function in_braces(list, last, start)
   local names = arguments.names(list, last)
   if names then
      local found = matching(names, start)
      if #found > 0 then return found, start, { ends = " = " } end
   end
   local choices, is_lua = arguments.choices(list, last)
   if not choices then return nil end
   local found = matching(is_lua and choices or each(choices, function(text) return ("%q"):format(text) end), start)
   if #found > 0 then return found, start end
end

local function in_code(list)
   local last, start = #list, ""
   local token = list[last]
   if token and (token.kind == "name" or token.kind == "keyword") and token.ends_input then
      last, start = last - 1, token.text
   end
   token = list[last]
   if tokens.is(token, ".") or tokens.is(token, ":") then return members(list, last, start) end
   local found, typed, how = in_braces(list, last, start)
   if found then return found, typed, how end
   return global_names(start)
end

-- ---- lines that are no Lua ----

local function command_names()
   local names = {}
   for name in (commands.text and commands.text() or ""):gmatch "%f[%S]%.(%a[%w_]*)" do names[#names + 1] = name end
   return names
end

local FILES, TOPICS = { run = true }, { help = true }

-- What follows a command; nil where the line is none.
local function in_command(line)
   local marks, topic = line:match "^%s*(%?%??)%s*([%w_.:%[%]]*)$"
   if marks then
      local found = matching(words.topics(topic), topic)
      if #found > 0 or marks == "??" then return found, topic end
      return nil, topic -- what the session has: `? m.fc`
   end
   local name = line:match "^%s*%.([%w_]*)$"
   if name then return matching(command_names(), name) end
   local command, rest = line:match "^%s*%.([%a_]+)%s+(.*)$"
   if not command and line:find "^%s*!" then command, rest = "run", line end
   if not command then return nil end
   if FILES[command] then return files_in_command(rest) end
   if TOPICS[command] then return matching(words.topics(rest), rest) end
   return nil, rest -- an expression
end

--- Names that may stand at the end of `before`, the part of them that is typed already, and how they are put in: { ends = what
-- follows a name that is certain, replaces = how many bytes go first, by = what takes their place }, or nil.
function complete.candidates(before)
   local found, typed, how
   if complete.lines == "" then found, typed, how = in_command(before) end
   if found then return found, typed, how end
   local text = complete.lines .. (typed or before)
   local list = tokens.of(text)
   local last = list[#list]
   if last and last.kind == "open text" then return in_text(list, last.content) end
   if last and last.kind:find "^open" then return {}, "" end
   if last then last.ends_input = last.last == #text end
   return in_code(list)
end

-- ---- what all of it comes to ----

local function common_start(list)
   local first, last = list[1], list[#list]
   local n = 0
   while n < #first and first:byte(n + 1) == last:byte(n + 1) do n = n + 1 end
   while n > 0 and (first:byte(n + 1) or 0) // 64 == 2 do n = n - 1 end -- never inside a UTF-8 character
   return first:sub(1, n)
end

local function letters(text)
   return utf8.len(text) or #text
end

local MOST = 200 -- names that are shown

local function in_columns(list, width)
   local more = #list - MOST
   if more > 0 then list = table.move(list, 1, MOST, 1, {}) end
   local longest = 0
   for _, name in ipairs(list) do longest = math.max(longest, letters(name)) end
   local columns = math.max(1, (width + 2) // (longest + 2))
   local rows = (#list + columns - 1) // columns
   local lines = {}
   for row = 1, rows do
      local line = {}
      for column = 0, columns - 1 do
         local name = list[row + column * rows]
         if name then line[#line + 1] = name .. (" "):rep(longest + 2 - letters(name)) end
      end
      lines[row] = table.concat(line):gsub("%s+$", "")
   end
   if more > 0 then lines[#lines + 1] = ("… %d more"):format(more) end
   return table.concat(lines, "\n")
end

--- What Tab does after `before`: the text to insert, the choices to show where the text alone does not decide, and how many
-- letters before the cursor go first.
function complete.at(before, width)
   local list, start, how = complete.candidates(before)
   how = how or {}
   if #list == 0 then return "", nil, 0 end
   local insert = common_start(list):sub(#start + 1)
   if #list == 1 then insert = insert .. (how.ends or "") end
   if how.replaces then return how.by .. insert, nil, how.replaces end -- another Tab shows the choices
   if #list == 1 or insert ~= "" then return insert, nil, 0 end
   return "", in_columns(list, width or 80), 0
end

return complete
