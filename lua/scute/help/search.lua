-- `?? words`: entries whose names, options or texts have these words in them.
local text = require "scute.help.text"

local search = {}

local MOST = { 25, 15, 15 } -- lines of names, of options, of texts

-- Whether all words stand in a text; one that ends in "s" is taken for its singular too.
local function has(s, words)
   s = s:lower()
   for _, word in ipairs(words) do
      local there = s:find(word, 1, true) or #word > 3 and s:find((word:gsub("s$", "")), 1, true)
      if not there then return false end
   end
   return true
end

-- The line of a text in which the words stand, or its first where they stand in several.
local function line_with(entry, words)
   for line in entry.text:gmatch "[^\n]+" do
      if has(line, words) then return { name = entry.name, line = line:match "^%s*(.*)" } end
   end
   return entry
end

local function option_with(entry, words, found)
   if entry.kind == "op" or entry.kind == "value" then return end -- flags are told where they are taken
   for _, option in ipairs(entry.options or {}) do
      if has(option[1], words) then
         found[#found + 1] = { name = ("%s { %s }"):format(entry.name, option[1]), line = option.help or "" }
      end
   end
end

local function section(out, title, list, most, width)
   if #list == 0 then return end
   local shown = table.move(list, 1, math.min(#list, most), 1, {})
   out[#out + 1] = title .. "\n" .. text.list(shown, width)
      .. (#list > most and ("\n   … %d more"):format(#list - most) or "")
end

--- What is found, as text: names first, then options, then texts; a line each.
function search.text(index, topic, width)
   local words = {}
   for word in topic:lower():gmatch "%S+" do words[#words + 1] = word end
   local names, with_option, texts, out = {}, {}, {}, {}
   for _, part in ipairs { index.list, index.own } do
      for _, entry in ipairs(part) do
         if has(entry.name, words) then names[#names + 1] = entry
         elseif has(entry.text, words) then texts[#texts + 1] = line_with(entry, words) end
         option_with(entry, words, with_option)
      end
   end
   section(out, "names:", names, MOST[1], width)
   section(out, "options:", with_option, MOST[2], width)
   section(out, "texts:", texts, MOST[3], width)
   return #out > 0 and table.concat(out, "\n\n") or ("nothing speaks of '%s'"):format(topic)
end

return search
