-- The reference: pages of HTML, made of the entries of help(). A page for each family, one for the ops, one for tensors, one
-- for what else scute has, one for the options by name, and one for the flags of the scripts.
local comments = require "scute.help.comments"
local find = require "scute.help.find"
local markup = require "scute.help.markup"
local options = require "scute.base.options"
local page = require "scute.base.page"
local scripts = require "scute.editor.scripts"
local sorted_keys = require "scute.base.sorted_keys"
local text = require "scute.help.text"
local scute = require "scute"

local pages = {}

-- ---- where what is told ----

-- The page of an entry, without ".html".
local function page_of(index, entry)
   if entry.kind == "op" then return "ops" end
   if entry.kind == "family" then return entry.name end
   if entry.family then return entry.family end
   if entry.class == "t" then return "tensor" end
   local own = entry.class and index.by_name[entry.class]
   return own and own.kind == "family" and entry.class or "scute"
end

local function address_in(index)
   return function(entry)
      local file = page_of(index, entry) .. ".html"
      return entry.kind == "family" and file or file .. "#" .. entry.name
   end
end

-- ---- parts of pages ----

-- A row that begins with a name, which is not broken.
local function row(name, ...)
   return ('<tr><td class="name">%s</td><td>%s</td></tr>'):format(name, table.concat({ ... }, "</td><td>"))
end

local function table_of(rows)
   return '<div class="table"><table>\n' .. table.concat(rows, "\n") .. "\n</table></div>"
end

local function code(s)
   return "<code>" .. page.escape(s) .. "</code>"
end

-- What an option has to be, and its default.
local function facts(option)
   local parts = { option.kind and option.kind ~= "choice" and option.kind or options.expected(option) }
   local default = options.default_text(option)
   if option.required then parts[#parts + 1] = "required" end
   if default then parts[#parts + 1] = "default " .. default end
   if option.kind and option.optional and not default then parts[#parts + 1] = "optional" end
   return table.concat(parts, "; ")
end

local function options_table(list, link, dashes)
   if not list or #list == 0 then return "" end
   local rows = {}
   for i, option in ipairs(list) do
      rows[i] = row(code((dashes or "") .. option[1]), link(option.help or ""), page.escape(facts(option)))
   end
   return table_of(rows)
end

local function entry_html(index, address, entry)
   local function link(line) return markup.line(index, address, line, entry) end
   local also = entry.is_method and ("<br>%s"):format(code(("t:%s(...)"):format(entry.name))) or ""
   return table.concat({
      ('<section id="%s">\n<h2>%s</h2>'):format(page.escape(entry.name), page.escape(entry.name)),
      ("<p>%s%s</p>"):format(code(entry.signature), also),
      markup.text(index, address, entry.text, entry),
      options_table(entry.options, link),
      "</section>",
   }, "\n")
end

-- A table of entries: name, and what it does.
local function list_html(address, list)
   local rows = {}
   for i, entry in ipairs(list) do
      rows[i] = row(('<a href="%s">%s</a>'):format(address(entry), page.escape(entry.name)),
         markup.code(page.escape(text.summary(entry, 120))))
   end
   return table_of(rows)
end

local function document(title, parts)
   table.insert(parts, 1, '<p class="soft"><a href="index.html">scute: the reference</a></p>')
   table.insert(parts, 2, ("<h1>%s</h1>"):format(page.escape(title)))
   return page.document(title, parts)
end

-- ---- the pages ----

local TITLES = { ops = "Ops", tensor = "Tensors", scute = "scute: other functions and values" }
local BEFORE = {
   ops = "Every op is both scute.op(x) and a method, x:op(), unless it says otherwise. Arguments go by position, or by name in "
      .. "a table at the end.",
   tensor = "What tensors have beside the ops, which are methods of tensors too.",
}

local function entries_page(index, address, name, list)
   local family = index.by_name[name]
   local is_family = family and family.kind == "family"
   local parts = {}
   if is_family and type(family.value) == "function" then parts[1] = ("<p>%s</p>"):format(code(family.signature)) end
   parts[#parts + 1] = markup.text(index, address, is_family and family.text or BEFORE[name] or "", family)
   if is_family then
      local function link(line) return markup.line(index, address, line, family) end
      parts[#parts + 1] = options_table(family.options, link)
   end
   if #list > 0 then parts[#parts + 1] = list_html(address, list) end
   for _, entry in ipairs(list) do parts[#parts + 1] = entry_html(index, address, entry) end
   return document(TITLES[name] or "scute." .. name, parts)
end

-- Page -> the entries on it, methods after what is no method, class by class; a family's own entry is its page.
local function by_page(index)
   local found = {}
   for _, entry in ipairs(index.list) do
      local name = page_of(index, entry)
      found[name] = found[name] or {}
      if entry.kind ~= "family" then table.insert(found[name], entry) end
   end
   for _, list in pairs(found) do
      table.sort(list, function(a, b)
         if (a.class or "") ~= (b.class or "") then return (a.class or "") < (b.class or "") end
         return a.name < b.name
      end)
   end
   return found
end

local function options_page(index, address)
   local takers = {}
   for _, entry in ipairs(index.list) do
      for _, option in ipairs(entry.declaration and entry.options or {}) do
         takers[option[1]] = takers[option[1]] or {}
         table.insert(takers[option[1]], { entry, option })
      end
   end
   local rows = {}
   for _, name in ipairs(sorted_keys(takers)) do
      for i, taker in ipairs(takers[name]) do
         local entry, option = taker[1], taker[2]
         local of_entry = ('<a href="%s">%s</a>'):format(address(entry), page.escape(entry.name))
         rows[#rows + 1] = row(i == 1 and code(name) or "", of_entry, markup.line(index, address, option.help or ""))
      end
   end
   return document("Options by name", { table_of(rows) })
end

local function scripts_page(index, address)
   local parts = { "<p>Run with <code>./scute scripts/NAME.lua</code>; <code>--help</code> tells the same.</p>" }
   local function link(line) return markup.line(index, address, line) end
   for _, script in ipairs(scripts.list(comments.folder() .. "/../../scripts")) do
      parts[#parts + 1] = ('<section id="%s">\n<h2>%s</h2>\n<p>%s</p>\n%s\n%s</section>'):format(page.escape(script.name),
         page.escape(script.name), page.escape(script.summary or script.about or ""), options_table(script.flags, link, "--"),
         script.more and "<p>" .. link(script.more) .. "</p>\n" or "")
   end
   return document("Scripts and their flags", parts)
end

local function index_page(index, address)
   local families = {}
   for _, entry in ipairs(index.list) do
      if entry.kind == "family" then families[#families + 1] = entry end
   end
   local others = {}
   for _, other in ipairs { { "ops", "all ops, with their arguments" }, { "tensor", "what tensors have beside the ops" },
      { "scute", "functions of scute itself: making tensors, devices, memory, random numbers; and canvases, loaders, ..." },
      { "options", "every option by its name" }, { "scripts", "the exercises and their flags" } } do
      others[#others + 1] = row(('<a href="%s.html">%s</a>'):format(other[1], other[1]), page.escape(other[2]))
   end
   return page.document("scute: the reference", {
      "<h1>scute: the reference</h1>",
      ("<p>Version %s. In a session <code>help \"NAME\"</code> says the same.</p>"):format(page.escape(scute.version().scute)),
      "<h2>Families</h2>", list_html(address, families),
      "<h2>And</h2>", table_of(others),
   })
end

-- What help() knows, and the parts of families that its texts speak of.
local function index_with_parts()
   local index = find.index()
   for _, part in ipairs(find.parts(index)) do
      index.by_name[part.name] = part
      table.insert(index.list, part)
   end
   return index
end

--- All pages: name of the file -> its HTML.
function pages.all()
   local index, made = index_with_parts(), {}
   local address = address_in(index)
   for name, list in pairs(by_page(index)) do made[name .. ".html"] = entries_page(index, address, name, list) end
   made["options.html"], made["scripts.html"] = options_page(index, address), scripts_page(index, address)
   made["index.html"] = index_page(index, address)
   return made
end

--- Writes them into a folder.
function pages.write(folder)
   scute.files.mkdirs(folder)
   for name, html in pairs(pages.all()) do scute.files.write(folder .. "/" .. name, html) end
end

return pages
