-- A figure: a canvas with what all pictures share, and the ways out of it.
local scute = require "scute"
local console = require "scute.base.console"
local public = require "scute.base.public"
local show = require "scute.base.show"

local figure = {}

local Figure = {}
Figure.__index = Figure
Figure.__name = "scute.figure"

--- Ink for text and lines, and for what should stand back.
figure.INK, figure.SOFT, figure.GRID = "#222222", "#666666", "#DDDDDD"
figure.TITLE, figure.TEXT, figure.SMALL = 15, 12, 10.5

--- Colours that people with any colour vision can tell apart, on white: Okabe and Ito (2008), the yellow last.
figure.COLORS = { "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000", "#F0E442" }
figure.GOOD, figure.BAD = "#0072B2", "#D55E00"

local EDGE = 16 -- left and right of titles

local told = false

--- A white figure of width x height pixels.
function figure.new(width, height)
   if scute.canvas_font() ~= "real" and not told then
      told = true
      console.warn("no font is installed here, so the letters in pictures are %s; on Debian: apt-get install fonts-dejavu-core",
         scute.canvas_font() == "none" and "left out" or "plain strokes, those beyond ASCII boxes")
   end
   return setmetatable({ canvas = scute.canvas(width, height), width = width, height = height }, Figure)
end

local WIDEST = 1600 -- that a figure grows for its title

--- A white figure of that height with a title: of that width, or as much more as title and subtitle want, so that a protocol
-- that stands there can be read.
function figure.titled(width, height, title, subtitle)
   local canvas <close> = scute.canvas(1, 1)
   local text = math.max(title and canvas:measure(title, { size = figure.TITLE, bold = true }) or 0,
      subtitle and canvas:measure(subtitle, { size = figure.TEXT }) or 0)
   return figure.new(math.max(width, math.min(WIDEST, math.ceil(text) + 2 * EDGE + 1)), height):title(title, subtitle)
end

-- The first and last of the letters that end at the bytes `ends`, n together, and "…" between or behind them.
local function shortened(text, ends, n, middle)
   local first = middle and (n + 1) // 2 or n
   local head = first > 0 and text:sub(1, ends[first]) or ""
   return head .. "…" .. (n > first and text:sub(ends[#ends - (n - first)] + 1) or "")
end

--- The bytes of a valid UTF-8 text cut to `width` pixels, with "…" where something is missing: at the end, or in the middle
-- (middle = true), for names whose ends tell them apart.
function Figure:fit(text, width, style, middle)
   style = style or { size = figure.TEXT }
   if self.canvas:measure(text, style) <= width then return text end
   local ends = {}
   for at in text:gmatch "[\0-\x7f\xc2-\xfd][\x80-\xbf]*()" do ends[#ends + 1] = at - 1 end
   local low, high = 0, #ends -- letters that fit
   while low < high do
      local half = (low + high + 1) // 2
      if self.canvas:measure(shortened(text, ends, half, middle), style) <= width then low = half else high = half - 1 end
   end
   return shortened(text, ends, low, middle)
end

--- Text at (x, y), y being the baseline; options of canvas:text, and fit = width in pixels to cut it to, middle = true to cut
-- it in its middle.
function Figure:text(x, y, text, options)
   local style = { size = figure.TEXT, color = figure.INK }
   for key, value in pairs(options or {}) do style[key] = value end
   local width, middle = style.fit, style.middle
   style.fit, style.middle = nil, nil
   if width then text = self:fit(text, width, { size = style.size, bold = style.bold }, middle) end
   self.canvas:text(x, y, text, style)
   return self
end

--- The title, at the upper left.
function Figure:title(text, subtitle)
   self.titled = text or self.titled
   local fit = self.width - 2 * EDGE
   if text then self:text(EDGE, 24, text, { size = figure.TITLE, bold = true, fit = fit }) end
   if subtitle then self:text(EDGE, 42, subtitle, { color = figure.SOFT, fit = fit }) end
   return self
end

function Figure:__tostring()
   return ('figure of %d x %d%s; figure:show() draws it, figure:save "name.png" writes it'):format(self.width, self.height,
      self.titled and (': "%s"'):format(self.titled) or "")
end

--- Writes "name.png", ".svg" or ".pdf". options: scale (default 2), the pixels of a PNG to a unit.
function Figure:save(path, options)
   if type(path) ~= "string" or path == "" then error("save: expected a file name, found " .. tostring(path), 2) end
   local scale = options and options.scale or math.min(2, 16000 / math.max(self.width, self.height))
   self.canvas:save(path, { scale = scale })
   return self
end

--- The bytes of a PNG.
function Figure:png(scale)
   return self.canvas:encode("png", { scale = scale or 2 })
end

-- Letters and lines to the hundredth of a pixel: cairo writes a millionth, half of the text.
local function shortened_paths(svg)
   return (svg:gsub(' d="[^"]*"', function(path) return (path:gsub("(%.%d%d)%d+", "%1")) end))
end

local figures = 0

--- An <svg> element to stand inside an HTML page: without the XML header, with names of its own, no wider than the room.
-- `label` is what a screen reader says. prefix: what its names begin with (default: another one each time); with one of the
-- caller's the same picture is the same text.
function Figure:svg(label, prefix)
   figures = figures + 1
   prefix = prefix or ("f%d"):format(figures)
   local names, n = {}, 0
   local function renamed(before, name, after)
      if not names[name] then
         n = n + 1
         names[name] = ("%s-%d"):format(prefix, n)
      end
      return before .. names[name] .. after
   end
   local text = shortened_paths(self.canvas:encode "svg")
   text = text:gsub("^<%?xml.-%?>%s*", ""):gsub('(%f[%w]id=")([^"]+)(")', renamed):gsub('(href="#)([^"]+)(")', renamed)
      :gsub("(url%(#)([^)]+)(%))", renamed)
   local escaped = (label or "picture"):gsub('[&<>"]', { ["&"] = "&amp;", ["<"] = "&lt;", [">"] = "&gt;", ['"'] = "&quot;" })
   return (text:gsub("<svg ", function()
      return ('<svg role="img" aria-label="%s" style="max-width:%dpx" '):format(escaped, math.ceil(self.width))
   end, 1):gsub('width="[%d.]+px"', 'width="100%%"', 1):gsub('height="[%d.]+px"', "", 1))
end

--- The pixels, as a scute.image.
function Figure:image(scale)
   return self.canvas:render { scale = scale or 1 }
end

--- Shows the picture: in a terminal that can, else as a file whose name is printed. options: those of scute.base.show. Returns
-- the file's name, if there is one.
function Figure:show(options)
   local image <close> = self:image()
   return show.figure(image, options, function(path) self:save(path) end)
end

public.hide(Figure, "fit")

return figure
