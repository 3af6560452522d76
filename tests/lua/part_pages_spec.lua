-- The pages of docs/parts: what they show in Lua is what the examples run, or runs by itself.
local lfs = require "lfs"

local FOLDER = "docs/parts/"
local PAGES = { "optimizer.md", "schedule.md", "loss.md", "metric.md" }

local function read(path)
   local file <close> = assert(io.open(path))
   return file:read "a"
end

local examples = {}
for name in lfs.dir "examples" do
   if name:find "%.lua$" then examples[#examples + 1] = read("examples/" .. name) end
end

local function is_of_an_example(block)
   for _, text in ipairs(examples) do
      if text:find(block, 1, true) then return true end
   end
   return false
end

describe("docs/parts/", function()
   for _, name in ipairs(PAGES) do
      it(name .. " shows what an example runs, or what runs", function()
         local blocks = 0
         for block in read(FOLDER .. name):gmatch "\n```lua\n(.-)```" do
            blocks = blocks + 1
            if not is_of_an_example(block) then assert(load(block, "=" .. FOLDER .. name))() end
         end
         assert.is_true(blocks > 0)
      end)

      it(name .. " links to files that there are", function()
         for target in read(FOLDER .. name):gmatch "%]%(([^)#]+)" do
            assert.is_truthy(lfs.attributes(FOLDER .. target), target)
         end
      end)
   end
end)
