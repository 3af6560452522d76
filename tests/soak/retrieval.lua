-- Retrieval at the size of a large collection: 10,000 queries against 450,000 embeddings of 512 numbers, 450 individuals (the
-- hard case: a thousand photos to find for each), and a tenth of them against 45,000 individuals, in at most 2 GiB beside the
-- embeddings, with ranks that a plain count of a few queries confirms. Four minutes on two quiet cores.
-- Usage: scute tests/soak/retrieval.lua [QUERIES] [GALLERY]
local scute = require "scute"
local tally = dofile "tests/tally.lua"
local check = tally.check

local QUERIES, GALLERY, WIDTH = tonumber(arg[1]) or 10000, tonumber(arg[2]) or 450000, 512
local ROOM = 2 << 30
local SEEN = 5 -- queries that are counted again

-- The most that this process has held so far, in bytes.
local function most_held()
   for line in io.lines "/proc/self/status" do
      local kilobytes = line:match "^VmHWM:%s+(%d+) kB"
      if kilobytes then return tonumber(kilobytes) * 1024 end
   end
end

-- Forgets the most that was held: what comes is counted from what is held now.
local function forget_most()
   local file = io.open("/proc/self/clear_refs", "w")
   if file then
      file:write "5"
      file:close()
   end
end

-- Photos that lean to where their individual is, made in parts. centers: (individuals, WIDTH).
local function embeddings(n, centers)
   local parts, labels, individuals = {}, {}, centers.shape[1]
   for from = 1, n, 10000 do
      local count = math.min(10000, n - from + 1)
      local which = {}
      for i = 1, count do
         which[i] = (from + i) * 7919 % individuals + 1
         labels[#labels + 1] = which[i]
      end
      local at <close> = scute.tensor(which, { dtype = "i64" })
      local middle <close> = centers:index_select(1, at)
      local noise <close> = scute.randn(count, WIDTH)
      local wide <close> = noise * 3.0
      parts[#parts + 1] = middle + wide
   end
   local whole = scute.concat(parts, 1)
   for _, part in ipairs(parts) do part:free() end
   return whole, labels
end

-- The rank of the first right photo and the average precision, counted photo by photo.
local function by_hand(queries, gallery, q, query_labels, gallery_labels)
   local one <close> = queries:slice(1, q, q)
   local unit <close> = one:normalize(2, 2)
   local products <close> = unit:linear(gallery)
   local lengths <close> = gallery:norm(2, 2)
   local scores, length, order = products:values(), lengths:values(), {}
   for i = 1, #scores do scores[i], order[i] = scores[i] / length[i], i end
   table.sort(order, function(a, b)
      if scores[a] ~= scores[b] then return scores[a] > scores[b] end
      return a < b
   end)
   local first, right, sum = nil, 0, 0.0
   for rank, row in ipairs(order) do
      if gallery_labels[row] == query_labels[q] then
         first, right = first or rank, right + 1
         sum = sum + right / rank
      end
   end
   return first, sum / right
end

local function run(individuals, n)
   scute.manual_seed(1)
   local centers <close> = scute.randn(individuals, WIDTH)
   local gallery <close>, labels = embeddings(GALLERY, centers)
   local queries <close>, query_labels = embeddings(n, centers)
   collectgarbage()
   scute.flush() -- what is free comes back to the system, and is not counted as held before
   forget_most()
   local before, started = most_held(), os.time()
   local found = scute.metrics.retrieval { queries = queries, gallery = gallery, query_labels = query_labels,
      gallery_labels = labels, keep = 10 }
   local more = most_held() - before
   print(("%d individuals: %d queries of %d photos in %d s, %.2f GiB beside the embeddings"):format(individuals, n,
      GALLERY, os.time() - started, more / (1 << 30)))
   print(tostring(found))
   check(more <= ROOM, "it stays within 2 GiB", more)
   check(found.queries == n and found.map > 1 / individuals, "all queries count, and find more than chance", found.map)
   for q = 1, n, math.max(1, n // SEEN) do
      local first, precision = by_hand(queries, gallery, q, query_labels, labels)
      -- Two of 450,000 cosines in float32 that are as good as equal may change places.
      check(math.abs(first - found.ranks[q]) <= 2, "the first right one of query " .. q, first .. " " .. found.ranks[q])
      check(math.abs(precision - found.precisions[q]) < 1e-4, "the precision of query " .. q, precision)
   end
end

run(450, QUERIES)
run(45000, math.max(1, QUERIES // 10))
tally.finish()
