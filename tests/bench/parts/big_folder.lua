-- A folder of 1,000,000 photos: 1,000 small ones, each linked a thousand times, in a hundred classes.
local lfs = require "lfs"
local scute = require "scute"
local markdown = require "bench.markdown"
local process = require "bench.process"
local number = markdown.number
local photos = dofile "tests/cli/photos.lua"

local DISTINCT, CLASSES, SIDE = 1000, 100, 32
local GROWS = 1.05 -- memory that grows by less over the epoch is constant
local SECONDS, MEGABYTES = 30, 1000

local big = { name = "big_folder", title = "A folder of 1,000,000 photos" }

local function folder_of(settings)
   local root = ("%s/big-%d"):format(settings.scratch, settings.folder)
   if process.exists(root .. "/done") then return root .. "/photos" end
   process.run(("rm -rf '%s'"):format(root))
   local distinct, each = math.min(DISTINCT, settings.folder), settings.folder // CLASSES
   for i = 1, distinct do photos.write(("%s/own/%d.bmp"):format(root, i), i % 3 + 1, i, SIDE) end
   for class = 1, CLASSES do
      local into = ("%s/photos/class%03d"):format(root, class)
      scute.files.mkdirs(into)
      for i = 1, each do
         assert(lfs.link(("%s/own/%d.bmp"):format(root, (class * each + i) % distinct + 1), ("%s/%07d.bmp"):format(into, i)))
      end
   end
   assert(io.open(root .. "/done", "w")):close()
   return root .. "/photos"
end

function big.run(settings, ledger)
   if settings.folder == 0 then return end
   local text = process.run(("%s %s %s/big_folder.lua '%s' %d"):format(process.threads(settings.threads), settings.scute,
      settings.here, folder_of(settings), settings.epoch))
   local row = { photos = settings.folder, samples = {} }
   row.listed, row.listed_mb = text:match "listed ([%d.]+) s, (%d+) MB"
   row.first, row.first_mb = text:match "first ([%d.]+) s, (%d+) MB"
   row.most_mb, row.a_second = text:match "most (%d+) MB, (%d+) photos"
   for name, value in pairs(row) do row[name] = tonumber(value) or value end
   for seen, mb in text:gmatch "at (%d+) (%d+) MB" do row.samples[#row.samples + 1] = { tonumber(seen), tonumber(mb) } end
   ledger:keep("big_folder/" .. settings.folder, row)
end

local function growth(row)
   return row.samples[#row.samples][2] / row.samples[1][2]
end

local function told(row)
   local lines = { { "listed and split", number(row.listed, 1) .. " s", number(row.listed_mb) },
      { "the first batch is there", number(row.first, 1) .. " s", number(row.first_mb) } }
   for _, sample in ipairs(row.samples) do
      lines[#lines + 1] = { ("after %d photos of the epoch"):format(sample[1]), "", number(sample[2]) }
   end
   lines[#lines + 1] = { "at most", number(row.a_second) .. " photos a second", number(row.most_mb) }
   return ("%d photos of %d pixels, hard links of %d files, in %d classes; a small network trains.\n\n"):format(row.photos,
      SIDE, DISTINCT, CLASSES) .. markdown.table({ "", "#", "#MB" }, lines)
end

function big.report(ledger)
   local texts = {}
   for i, name in ipairs(ledger:names(big.name)) do texts[i] = told(ledger:row(name)) end
   return table.concat(texts, "\n")
end

function big.reached(ledger)
   local row = ledger:row "big_folder/1000000"
   local seen = row and row.samples[#row.samples][1]
   local function aim(what, value, target, unit, at)
      return { what = "a folder of 10^6 photos: " .. what, value = value, at = at, target = target, unit = unit }
   end
   return {
      aim("list, split, first batch", row and row.first, SECONDS, "s"),
      aim("memory", row and row.most_mb, MEGABYTES, "MB"),
      aim("memory at the end of the epoch, over that at a tenth of it", row and growth(row), GROWS, "x",
         row and seen .. " photos of the epoch were seen"),
   }
end

return big
