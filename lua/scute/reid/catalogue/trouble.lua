-- What is wrong with single photos of a catalogue. Each is kept with the place where it stands, and each kind of them comes to
-- one line for people, however many there are.
local trouble = {}

-- What is said of one, and of several.
local KINDS = {
   date = { "date cannot be read, and its photo has none", "dates cannot be read, and their photos have none" },
   split = { "split is none of train, valid and test, and its photo is in none of it",
      "splits are none of train, valid and test, and their photos are in none of it" },
   box = { "box is none, and its photo is left out", "boxes are none, and their photos are left out" },
   outside = { "box lies outside of its photo, which is left out", "boxes lie outside of their photos, which are left out" },
   clipped = { "box reaches over the edge of its photo and ends there",
      "boxes reach over the edge of their photos and end there" },
   mask = { "mask cannot be used, and its photo is taken without it",
      "masks cannot be used, and their photos are taken without them" },
   unnamed = { "row names no photo and is left out", "rows name no photo and are left out" },
   unreadable = { "photo cannot be read and is left out", "photos cannot be read and are left out" },
   repeated = { "row says the same as one before it and is left out",
      "rows say the same as ones before them and are left out" },
   contradicted = { "photo is listed as two individuals, and kept as both",
      "photos are listed as several individuals each, and kept as all of them" },
   category = { "annotation is of a category that is not known and is left out",
      "annotations are of categories that are not known and are left out" },
   photo = { "annotation is of a photo that is not listed and is left out",
      "annotations are of photos that are not listed and are left out" },
}

local Trouble = {}
Trouble.__index = Trouble

--- None yet. Its field `list` is what a catalogue has as `problems`.
function trouble.new()
   return setmetatable({ list = {}, kinds = {}, of_kind = {} }, Trouble)
end

--- Notes one. kind: a key of KINDS; file: the photo, as the catalogue names it; place: where it stands, in words.
function Trouble:add(kind, file, place, format, ...)
   local message = ("%s: %s"):format(place, format:format(...))
   self.list[#self.list + 1] = { file = file, message = message }
   local of_kind = self.of_kind[kind]
   if not of_kind then
      of_kind = { n = 0, first = message }
      self.of_kind[kind], self.kinds[#self.kinds + 1] = of_kind, kind
   end
   of_kind.n = of_kind.n + 1
end

--- A line for each kind of what was noted, in the order in which they came up.
function Trouble:notes()
   local lines = {}
   for i, kind in ipairs(self.kinds) do
      local of_kind = self.of_kind[kind]
      lines[i] = of_kind.n == 1 and ("1 %s: %s"):format(KINDS[kind][1], of_kind.first)
         or ("%d %s; the first: %s"):format(of_kind.n, KINDS[kind][2], of_kind.first)
   end
   return lines
end

return trouble
