-- `?? word`: entries whose names, options or texts have a word in them.
local text = require "scute.help.text"

local search = {}

local MOST = { 25, 15, 15 } -- lines of names, of options, of texts

local function has(s, word)
   return s:lower():find(word, 1, true) ~= nil
end

-- The line of a text in which the word stands, for the list of texts.
local function line_with(entry, word)
   for line in entry.text:gmatch "[^\n]+" do
      if has(line, word) then return { name = entry.name, text = line } end
   end
end

local function option_with(entry, word, found)
   if entry.kind == "op" then return end
   for _, option in ipairs(entry.options or {}) do
      if has(option[1], word) then
         found[#found + 1] = { name = ("%s { %s }"):format(entry.name, option[1]), text = option.help or "" }
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
function search.text(index, word, width)
   word = word:lower()
   local names, with_option, texts, out = {}, {}, {}, {}
   for _, part in ipairs { index.list, index.own } do
      for _, entry in ipairs(part) do
         if has(entry.name, word) then names[#names + 1] = entry
         elseif has(entry.text, word) then texts[#texts + 1] = line_with(entry, word) end
         option_with(entry, word, with_option)
      end
   end
   section(out, "names:", names, MOST[1], width)
   section(out, "options:", with_option, MOST[2], width)
   section(out, "texts:", texts, MOST[3], width)
   return #out > 0 and table.concat(out, "\n\n") or ("nothing speaks of '%s'"):format(word)
end

return search
