-- The pictures of an evaluation of individuals, as files reid_NAME.png in a folder.
local scute = require "scute"
local plot = require "scute.plot"
local thousands = require("scute.base.columns").thousands

local pictures = {}

local ROWS, CANDIDATES, PAIRS, MAPPED = 12, 4, 12, 2000

-- ---- photos ----

local function name_of(row) return (row.file or row.path or ""):match "[^/]*$" end

-- "left, 2019-07-03", or the name of the file where neither is known.
local function about(row)
   local parts = {}
   for _, name in ipairs { "side", "date" } do parts[#parts + 1] = row[name] end
   return #parts > 0 and table.concat(parts, ", ") or name_of(row)
end

local function photo_of(row, lines, good)
   return { path = row.path or row.file or "", crop = row.box and { box = row.box } or nil, lines = lines, good = good }
end

local function verdict(answer)
   if answer.new then return "said: new" end
   return "said: " .. (answer.said or "nothing")
end

local function sure(similarity, probability)
   return probability and ("%.2f, %.0f %% sure"):format(similarity, 100 * probability) or ("similarity %.2f"):format(similarity)
end

local function query_of(answer)
   local first = answer.is_known and "is " .. answer.truth or ("is %s (new)"):format(answer.truth)
   return photo_of(answer.row, { first, verdict(answer), about(answer.row), name_of(answer.row) })
end

-- The first candidates; where none of them is right, the first right one behind them.
local function list_of(answer)
   local candidates, is_found = {}, false
   for k = 1, math.min(CANDIDATES, #answer.candidates) do
      local c = answer.candidates[k]
      local good = c.row.identity == answer.truth
      is_found = is_found or good
      local how = sure(c.similarity, k == 1 and answer.probability or nil)
      candidates[k] = photo_of(c.row, { c.row.identity, how, about(c.row) }, good)
   end
   local right = answer.right
   if right and not is_found then
      candidates[#candidates + 1] = photo_of(right.row, { ("rank %d: %s"):format(answer.rank, right.row.identity),
         sure(right.similarity), about(right.row) }, true)
   end
   return { query = query_of(answer), candidates = candidates }
end

-- At most `limit` of a list, evenly from all.
local function evenly(list, limit)
   if #list <= limit then return list end
   local some = {}
   for k = 1, limit do some[k] = list[1 + (k - 1) * #list // limit] end
   return some
end

local function lists_of(answers)
   local lists = {}
   for i = 1, math.min(ROWS, #answers) do lists[i] = list_of(answers[i]) end
   return lists
end

-- Of each kind of mistake the first, and behind these the others.
local function varied(failures)
   local first, rest, seen = {}, {}, {}
   for _, answer in ipairs(failures) do
      local key = answer.truth .. "\0" .. tostring(answer.said)
      local list = seen[key] and rest or first
      seen[key], list[#list + 1] = true, answer
   end
   return table.move(rest, 1, #rest, #first + 1, first)
end

-- ---- pairs ----

local function pair_of(answer, other, similarity, good)
   return { first = photo_of(answer.row, { answer.truth, about(answer.row), name_of(answer.row) }, good),
      second = photo_of(other, { other.identity, about(other), ("similarity %.2f"):format(similarity) }, good) }
end

-- Different individuals that are taken for one, the most alike first, each two of them once.
local function different_pairs(answers)
   local list, seen, found = {}, {}, {}
   for _, answer in ipairs(answers) do
      for _, c in ipairs(answer.candidates) do
         if c.row.identity ~= answer.truth then
            list[#list + 1] = { answer, c }
            break
         end
      end
   end
   table.sort(list, function(a, b)
      if a[2].similarity ~= b[2].similarity then return a[2].similarity > b[2].similarity end
      return name_of(a[1].row) < name_of(b[1].row)
   end)
   for _, entry in ipairs(list) do
      local one, other = entry[1].truth, entry[2].row.identity
      local key = one < other and one .. "\0" .. other or other .. "\0" .. one
      if not seen[key] and #found < PAIRS then
         seen[key], found[#found + 1] = true, pair_of(entry[1], entry[2].row, entry[2].similarity, false)
      end
   end
   return found
end

-- Photos that are least like the most similar one of their individual, of each individual one.
local function same_pairs(answers)
   local list, seen, found = {}, {}, {}
   for _, answer in ipairs(answers) do
      if answer.right then list[#list + 1] = answer end
   end
   table.sort(list, function(a, b)
      if a.right.similarity ~= b.right.similarity then return a.right.similarity < b.right.similarity end
      return name_of(a.row) < name_of(b.row)
   end)
   for _, answer in ipairs(list) do
      if not seen[answer.truth] and #found < PAIRS then
         seen[answer.truth], found[#found + 1] = true, pair_of(answer, answer.right.row, answer.right.similarity, true)
      end
   end
   return found
end

-- ---- map ----

-- The map of the queries: at most MAPPED, evenly from all; nil of a single photo. Queries whose individual is not known by name
-- are not among the answers, so that the embeddings are matched by their rows.
local function map_of(result)
   local numbers, names, of, at = {}, {}, {}, {}
   if not result.x or result.x.shape[1] ~= #result.answers or #result.answers < 2 then return nil end
   for i, answer in ipairs(result.answers) do
      if not of[answer.truth] then names[#names + 1], of[answer.truth] = answer.truth, #names + 1 end
      numbers[i], at[i] = of[answer.truth], i
   end
   at = evenly(at, MAPPED)
   local labels = {}
   for k, i in ipairs(at) do labels[k] = numbers[i] end
   local index <close> = scute.tensor(at, { dtype = "i64" })
   local x <close> = result.x:to "cpu"
   local some <close> = x:index_select(1, index)
   return (plot.embedding(some, labels, names, { title = "Embeddings of the photos" }))
end

-- ---- all ----

local function pairs_text(pairs_found)
   return ("%s of the same individual, %s of different ones"):format(thousands(#pairs_found.same),
      thousands(pairs_found.of - #pairs_found.same))
end

--- Figures by name, those that there is something to draw of. result: what evaluate_reid.measure or reid.evaluate returns.
function pictures.figures(result)
   local protocol = "split: " .. (result.text or "not known")
   if result.photos == 0 then return {} end
   local frames = "blue: the same individual, orange: another one; " .. protocol
   return {
      failures = #result.failures > 0 and plot.rank_lists(lists_of(varied(result.failures)), { subtitle = frames,
         title = ("What went wrong (%d of %d photos)"):format(#result.failures, result.photos) }) or nil,
      rank_lists = plot.rank_lists(lists_of(evenly(result.answers, ROWS)), { title = "Photos and their candidates",
         subtitle = frames }),
      pairs_different = plot.photo_pairs(different_pairs(result.answers), { title = "Different individuals that are most alike",
         subtitle = protocol }),
      pairs_same = plot.photo_pairs(same_pairs(result.answers), { title = "Photos of one individual that are least alike",
         subtitle = protocol }),
      similarities = plot.similarities(result.pairs.same, result.pairs.different, { threshold = result.open
         and result.open.threshold or nil, width = 860, subtitle = pairs_text(result.pairs) .. "; " .. protocol }),
      calibration = result.open and plot.calibration(result.open.bins, { subtitle = protocol }) or nil,
      embedding = map_of(result),
   }
end

--- The names of the pictures, in the order in which a page shows them.
pictures.NAMES = { "similarities", "calibration", "failures", "rank_lists", "pairs_different", "pairs_same", "embedding" }

local HAVE_PHOTOS = { failures = true, rank_lists = true, pairs_different = true, pairs_same = true } -- at half the pixels

--- Writes them into a folder, and removes those of an earlier evaluation.
function pictures.save(folder, result)
   local figures = pictures.figures(result)
   for _, name in ipairs(pictures.NAMES) do
      local path = ("%s/reid_%s.png"):format(folder, name)
      os.remove(path)
      if figures[name] then figures[name]:save(path, { scale = HAVE_PHOTOS[name] and 1 or 2 }) end
   end
end

return pictures
