-- Digests of files, by which a photo is known again under another name: the CRC-32 of its bytes and how many there are, as
-- "9c2f01ab-48213". The loader tells the same of what it reads (see scute.loader). Where a photo is a part of its file, what
-- says which one stands behind that: "9c2f01ab-48213+5d0e77c1" (see scute.data.crops).
local lfs = require "lfs"
local scute = require "scute.core"

local digest = {}

--- Of the file at `path`; nil where it cannot be read.
function digest.of(path)
   local file = io.open(path, "rb")
   local text = file and file:read "a"
   if file then file:close() end
   return text and ("%s-%d"):format(scute.checksum { text }, #text) or nil
end

local function size_in(text)
   return tonumber(text:match "%-(%d+)%+?%x*$")
end

--- What a digest says of the file.
function digest.of_file(text)
   return text:match "^[^+]*"
end

--- Whether the file at `path` is as long as a digest says.
function digest.has_size(path, text)
   return lfs.attributes(path, "size") == size_in(text)
end

local Set = {}
Set.__index = Set

--- An empty set of digests. Of a file only as much as is needed is read: nothing where none of the set is as long.
function digest.set()
   return setmetatable({ digests = {}, sizes = {} }, Set)
end

function Set:add(text)
   self.digests[digest.of_file(text)], self.sizes[size_in(text) or -1] = true, true
end

function Set:has(path)
   return self.sizes[lfs.attributes(path, "size")] ~= nil and self.digests[digest.of(path)] == true
end

return digest
