-- Pages of HTML that need nothing else, neither network nor scripts: what the reports of a run and of a comparison share.
local cjson = require "cjson"
local scute = require "scute"
local thumbnail = require "scute.base.thumbnail"

local page = {}

local TILE = 150 -- pixels of a photo among others

local STYLE = [[
:root { color-scheme: light dark; --ink: #222; --soft: #666; --line: #ddd; --paper: #fff; --link: #0645ad; }
body { font: 16px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--paper);
   margin: 0 auto; padding: 1rem; max-width: 62rem; }
h1 { font-size: 1.5rem; margin: 0 0 .25rem; }
h2 { font-size: 1.2rem; margin: 2rem 0 .5rem; border-bottom: 1px solid var(--line); }
a { color: var(--link); }
h1, h2, p, li { overflow-wrap: anywhere; }
table { border-collapse: collapse; }
td, th { text-align: left; vertical-align: top; padding: .15rem 1rem .15rem 0; overflow-wrap: anywhere; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; }
th { overflow-wrap: break-word; }
.long th { overflow-wrap: anywhere; }
.scroll td, .scroll th { white-space: nowrap; }
.dense { font-size: .78rem; }
.dense td, .dense th { padding-right: .5rem; }
.dense td:last-child { white-space: normal; overflow-wrap: normal; min-width: 5rem; }
table + .scroll, table + p { margin-top: 1rem; }
th { font-weight: 600; }
.soft { color: var(--soft); }
.big { font-size: 2rem; font-weight: 700; }
.lead { font-size: 1.15rem; font-weight: 600; }
.scroll { overflow-x: auto; }
figure { margin: .5rem 0; }
figcaption { font-size: .9rem; overflow-wrap: anywhere; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9rem, 1fr)); gap: .8rem; }
.tiles figure { margin: 0; }
.tiles img, .tiles .none { width: 100%; aspect-ratio: 1; object-fit: contain; box-sizing: border-box; }
.tiles .none { color: var(--soft); border: 1px solid var(--line); padding: 1rem; text-align: center; }
.tiles .good img { border: 3px solid #0072b2; } .tiles .bad img { border: 3px solid #d55e00; }
svg, img { max-width: 100%; height: auto; }
.narrow { display: none; }
@media (max-width: 40rem) { .wide { display: none; } .narrow { display: block; } body { padding: .6rem; }
   .scroll td, .scroll th { padding-right: .5rem; } .dense td:last-child { white-space: nowrap; }
   .scroll:not(.dense) { font-size: .88rem; }
   .scroll:not(.dense) td:first-child { white-space: normal; overflow-wrap: anywhere; min-width: 6.2rem; }
   .long th, .long td { display: block; } .long td { padding-bottom: .5rem; } }
/* Drawings are turned round, white to the paper's colour, and keep their hues; photos stay as they are. */
@media screen and (prefers-color-scheme: dark) {
   :root { --ink: #ddd; --soft: #a0a0a0; --line: #444; --paper: #1a1a1a; --link: #8ab4f8; }
   .ink svg, .ink img { filter: invert(.9) hue-rotate(180deg); }
}
@media print {
   :root { color-scheme: light; }
   body { max-width: none; font-size: 11pt; padding: 0; }
   .wide { display: block; } .narrow { display: none; }
   figure, tr { break-inside: avoid; } h2 { break-after: avoid; }
   .scroll { overflow: visible; } .dense { font-size: 7pt; }
   .dense td, .dense th { padding-right: .5em; white-space: normal; }
}
]]

-- ---- texts ----

local ESCAPES = { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" }

--- Any value as text that HTML does not take for its own.
function page.escape(value)
   return (tostring(value):gsub('[&<>"]', ESCAPES))
end

--- A path as a link: what stands for something else in one is written as its number.
function page.link(path)
   return (path:gsub("[^%w%-._~/=+,]", function(byte) return ("%%%02X"):format(byte:byte()) end))
end

local LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"

local PAIRS = {} -- the two letters of 12 bits
for bits = 0, 4095 do
   local first, second = (bits >> 6) + 1, (bits & 63) + 1
   PAIRS[bits] = LETTERS:sub(first, first) .. LETTERS:sub(second, second)
end

-- Of the one or two bytes behind the last three; "" of none.
local function rest_in_base64(a, b)
   if not a then return "" end
   local bits = a << 16 | (b or 0) << 8
   return PAIRS[bits >> 12] .. (b and PAIRS[bits & 4095]:sub(1, 1) .. "=" or "==")
end

--- Bytes as base64, for pictures inside a page.
function page.base64(bytes)
   local parts, n, whole = {}, 0, #bytes - #bytes % 3
   for i = 1, whole, 3 do
      local a, b, c = bytes:byte(i, i + 2)
      local bits = a << 16 | b << 8 | c
      parts[n + 1], parts[n + 2], n = PAIRS[bits >> 12], PAIRS[bits & 4095], n + 2
   end
   parts[n + 1] = rest_in_base64(bytes:byte(whole + 1, #bytes))
   return table.concat(parts)
end

--- JSON's values as a person reads them.
function page.plain(value)
   if value == nil or value == cjson.null then return "none" end
   if type(value) == "table" then return (cjson.encode(value):gsub("\\/", "/")) end
   if math.type(value) == "float" then
      local whole = math.tointeger(value)
      return whole and tostring(whole) or ("%.6g"):format(value)
   end
   return tostring(value)
end

-- ---- parts ----

--- A table of {name, value} rows. class: "long" where values are texts of a line or more, which a phone shows below their
-- names.
function page.rows(rows, class)
   local out = { class and ('<table class="%s">'):format(class) or "<table>" }
   for _, row in ipairs(rows) do
      out[#out + 1] = ("<tr><th>%s</th><td>%s</td></tr>"):format(page.escape(row[1]), page.escape(row[2]))
   end
   out[#out + 1] = "</table>"
   return table.concat(out, "\n")
end

--- A part with a title; what follows is HTML already.
function page.section(title, ...)
   return ("<section>\n<h2>%s</h2>\n%s\n</section>"):format(page.escape(title), table.concat({ ... }, "\n"))
end

--- {name = value} as rows, sorted by name.
function page.sorted(map)
   local rows = {}
   for key, value in pairs(map) do rows[#rows + 1] = { key, page.plain(value) } end
   table.sort(rows, function(a, b) return a[1] < b[1] end)
   return rows
end

--- A table. columns: list of {title, numeric}; rows: lists of texts. With many columns it is set in small letters.
function page.table(columns, rows)
   local out = { ('<div class="scroll%s"><table>\n<thead><tr>'):format(#columns > 8 and " dense" or "") }
   local function cell(tag, k, text)
      out[#out + 1] = ("<%s%s>%s</%s>"):format(tag, columns[k][2] and ' class="n"' or "", page.escape(text), tag)
   end
   for k, column in ipairs(columns) do cell("th", k, column[1]) end
   out[#out + 1] = "</tr></thead>\n"
   for _, row in ipairs(rows) do
      out[#out + 1] = "<tr>"
      for k = 1, #columns do cell("td", k, row[k]) end
      out[#out + 1] = "</tr>\n"
   end
   out[#out + 1] = "</table></div>"
   return table.concat(out)
end

local function class_text(class)
   return class and class ~= "" and (' class="%s"'):format(class) or ""
end

--- A figure of scute.plot as a picture inside the page. label: what a screen reader says. prefix: as for figure:svg.
-- class: "wide" or "narrow" where there are two of it. One without photos is a drawing ("ink"), which a dark page turns round.
function page.figure(figure, label, prefix, class)
   local svg = figure:svg(label, prefix)
   local ink = not svg:find("<image", 1, true) and "ink"
   return ("<figure%s>%s</figure>"):format(class_text(ink and class and class .. " " .. ink or ink or class), svg)
end

--- A PNG file inside the page, as wide as its pixels, or half of them where they are more than 1000. class: see page.figure;
-- caption: what stands below it.
function page.png(png, label, class, caption)
   local width = string.unpack(">I4", png, 17)
   return ('<figure%s><img alt="%s" width="%d" src="data:image/png;base64,%s">%s</figure>'):format(class_text(class),
      page.escape(label), width > 1000 and width // 2 or width, page.base64(png),
      caption and ("<figcaption>%s</figcaption>"):format(page.escape(caption)) or "")
end

local FRAMES = { [true] = ' class="good"', [false] = ' class="bad"' }

local function photo_of(item)
   local image = item.path and thumbnail(item.path, TILE, item.crop)
   if not image then return '<div class="none">cannot be read</div>' end
   local canvas <close> = scute.canvas(image.width, image.height)
   canvas:image(image, 0, 0, image.width, image.height)
   return ('<img alt="%s" src="data:image/png;base64,%s">'):format(page.escape(item.lines[1]), page.base64(canvas:encode "png"))
end

--- Photos side by side, as many as there is room for. items: list of {path, crop (the part of the file, see scute.image.load),
-- lines = texts, the first as its name, good = true, false or nil: the colour of its frame}.
function page.photos(items)
   local out = { '<div class="tiles">' }
   for _, item in ipairs(items) do
      local lines = {}
      for i, line in ipairs(item.lines) do lines[i] = (i == 1 and "<b>%s</b>" or "%s"):format(page.escape(line)) end
      out[#out + 1] = ("<figure%s>%s<figcaption>%s</figcaption></figure>"):format(FRAMES[item.good] or "", photo_of(item),
         table.concat(lines, "<br>"))
   end
   out[#out + 1] = "</div>"
   return table.concat(out, "\n")
end

--- The whole page. parts: list of HTML; "" and false are left out. refresh: seconds after which a browser looks again.
function page.document(title, parts, refresh)
   local body = {}
   for _, part in ipairs(parts) do
      if part and part ~= "" then body[#body + 1] = part end
   end
   return ('<!DOCTYPE html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n<meta name="viewport" '
      .. 'content="width=device-width, initial-scale=1">\n%s<link rel="icon" href="data:,">\n<title>%s</title>\n<style>\n%s'
      .. "</style>\n</head>\n<body>\n%s\n</body>\n</html>\n"):format(
      refresh and ('<meta http-equiv="refresh" content="%d">\n'):format(refresh) or "", page.escape(title), STYLE,
      table.concat(body, "\n"))
end

return page
