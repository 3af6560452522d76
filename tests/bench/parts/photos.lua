-- Photos of a camera's size, made once by photos.py (which needs PYTHON): decoding alone, and a network trained on them from
-- the files to the weights.
local markdown = require "bench.markdown"
local process = require "bench.process"
local number = markdown.number

local CLASSES, VALIDATES = 4, 6 -- one in six validates

local photos = {}

-- { all = a folder of class folders, split = one with train and val }; nil and why not.
local function made(settings)
   local root = ("%s/photos-%d"):format(settings.scratch, settings.photos)
   local all, split = root .. "/all", root .. "/split"
   if process.exists(split .. "/done") then return { all = all, split = split } end
   if not settings.python then return nil, "photos are made by photos.py: say PYTHON=..." end
   if not process.exists "demo/data" then return nil, "photos are made of the demo's: run make demo first" end
   process.run(("rm -rf '%s'"):format(root))
   process.run(("'%s' %s/photos.py demo/data '%s' %d %d"):format(settings.python, settings.here, all, settings.photos,
      CLASSES))
   process.run(([[cd '%s' && for file in all/*/*.jpg; do
      name=${file#all/}; number=${name#*/}; number=${number%%.jpg}
      if [ "$number" -lt %04d ]; then part=val; else part=train; fi
      mkdir -p "split/$part/${name%%/*}" && ln "$file" "split/$part/$name" || exit 1
   done && touch split/done]]):format(root, settings.photos // VALIDATES))
   return { all = all, split = split }
end

local function photos_a_second(command)
   return tonumber(process.run(command):match "([%d.]+) photos a second")
end

local function ratio_of(row)
   return row and row.peer and row.scute / row.peer
end

-- ---- decoding ----

photos.decode = { name = "decode", title = "Photos of 2000 x 1333: decode and random resized crop" }

function photos.decode.run(settings, ledger)
   local folders, why = made(settings)
   if not folders then return print(why) end
   local row, begin = { workers = settings.processors }, process.threads(settings.threads)
   for _ = 1, settings.rounds do
      process.keep_most(row, "scute", photos_a_second(("%s %s %s/decode.lua %s %d"):format(begin, settings.scute,
         settings.here, folders.all, row.workers)))
      if settings.python then
         process.keep_most(row, "peer", photos_a_second(("%s '%s' %s/peer_decode.py %s %d"):format(begin, settings.python,
            settings.here, folders.all, row.workers)))
      end
   end
   ledger:keep("decode/2000x1333", row)
end

function photos.decode.report(ledger)
   local row = ledger:row "decode/2000x1333"
   return row and markdown.table({ "", "#photos a second" }, {
      { ("scute, %d threads"):format(row.workers), number(row.scute, 1) },
      { ("torchvision on PIL, %d processes"):format(row.workers), number(row.peer, 1) },
      { "ratio", number(ratio_of(row), 2) },
   })
end

function photos.decode.reached(ledger)
   return { { what = "decode and random resized crop of 2000 x 1333 photos", value = ratio_of(ledger:row "decode/2000x1333"),
      at = "the same number of processes", target = 4, at_least = true, unit = "x" } }
end

-- ---- from the files to the weights ----

photos.last_group = { name = "last_group", title = "MobileNetV2, the last group trains, on such photos, end to end" }

local PEERS = { "cl", "compile" }

function photos.last_group.run(settings, ledger)
   local folders, why = made(settings)
   if not folders then return print(why) end
   for _, width in ipairs(settings.widths) do
      local row, begin = {}, process.threads(settings.threads)
      for _ = 1, settings.rounds do
         process.keep_most(row, "scute", photos_a_second(("%s %s %s/last_group.lua %s %s %d"):format(begin, settings.scute,
            settings.here, folders.split, width == "f32" and "fp32" or width, settings.processors)))
         for _, mode in ipairs(settings.python and PEERS or {}) do
            process.keep_most(row, mode, photos_a_second(("%s TORCHINDUCTOR_CACHE_DIR='%s/compiled/last_group-%s' '%s' "
               .. "%s/peer_last_group.py %s %s %s %d"):format(begin, settings.scratch, width, settings.python, settings.here,
               folders.split, mode, width, settings.processors)))
            process.keep_most(row, "peer", row[mode])
         end
      end
      ledger:keep("last_group/mobilenet_v2/" .. width, row)
   end
end

function photos.last_group.report(ledger)
   local lines = {}
   for i, name in ipairs(ledger:names "last_group") do
      local row = ledger:row(name)
      lines[i] = { name:match "[^/]+$", number(row.scute, 1), number(row.cl, 1), number(row.compile, 1),
         number(ratio_of(row), 2) }
   end
   return markdown.table({ "photos a second, by width", "#scute", "#channels last", "#compile", "#scute / best" }, lines)
end

function photos.last_group.reached(ledger)
   local worst, at
   for _, name in ipairs(ledger:names "last_group") do
      local ratio = ratio_of(ledger:row(name))
      if ratio and ratio < (worst or math.huge) then worst, at = ratio, name:match "[^/]+$" end
   end
   return { { what = "MobileNetV2, the last group trains, on such photos, end to end", value = worst, at = at, target = 2,
      at_least = true, unit = "x" } }
end

return photos
