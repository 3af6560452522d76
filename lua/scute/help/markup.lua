-- The texts of help() as HTML: paragraphs, examples, and links where a text names what has an entry.
local page = require "scute.base.page"
local find = require "scute.help.find"

local markup = {}

-- What a word of a text names, nil where it names nothing. A word alone is a link only with "scute." before it: `add` is
-- English more often than not.
local function meant(index, word)
   if not word:find "[.:]%a" then return nil end
   local found = find.named(index, word)
   local entry = #found == 1 and found[1]
   local is_told = entry and not entry.hidden and entry.kind ~= "lua" and (entry.kind ~= "part" or index.by_name[entry.name])
   return is_told and entry or nil
end

--- Words between backticks as code, of a text that is HTML already.
function markup.code(html)
   return (html:gsub("`([^`]+)`", "<code>%1</code>"))
end

-- A line with links.
local function linked(index, address, line, self)
   local out, at = {}, 1
   while at <= #line do
      local from, to = line:find("[%a_][%w_]*[%w_.:]*[%w_]", at)
      out[#out + 1] = page.escape(line:sub(at, (from or #line + 1) - 1))
      if not from then break end
      local word = line:sub(from, to)
      local entry = meant(index, word)
      out[#out + 1] = entry and entry ~= self and ('<a href="%s">%s</a>'):format(address(entry), page.escape(word))
         or page.escape(word)
      at = to + 1
   end
   return table.concat(out)
end

--- A line of text as HTML. address(entry) -> where it is told. `self`: the entry that needs no link to itself.
function markup.line(index, address, line, self)
   return markup.code(linked(index, address, line, self))
end

--- A comment as HTML: what is indented in it stays as it is.
function markup.text(index, address, text, self)
   local out, lines, tag = {}, {}, nil
   local function finish()
      local html = table.concat(lines, "\n")
      if tag then out[#out + 1] = ("<%s>%s</%s>"):format(tag, tag == "p" and markup.code(html) or html, tag) end
      lines, tag = {}, nil
   end
   for line in (text .. "\n"):gmatch "(.-)\n" do
      local wanted = line == "" and (tag == "pre" and "pre" or nil) or line:find "^%s" and "pre" or line ~= "" and "p" or nil
      if wanted ~= tag then finish() end
      tag = wanted
      if wanted then lines[#lines + 1] = linked(index, address, line, self) end
   end
   finish()
   return (table.concat(out, "\n"):gsub("\n+</pre>", "</pre>"))
end

return markup
