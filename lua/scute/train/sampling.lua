-- Which photos an epoch of a run trains on: all of them in a drawn order, or what its sampler says (see scute.sampler).
local console = require "scute.base.console"
local core = require "scute.core"
local draw = require "scute.data.draw"

local sampling = {}

local world = core.world

-- ---- random numbers of an epoch ----

local Draw = {}
Draw.__index = Draw

function Draw:__call(n)
   local u = self.next()
   return n and math.min(math.floor(u * n) + 1, n) or u
end

--- Puts a list into a drawn order, in place; returns it.
function Draw:shuffle(list)
   for i = #list, 2, -1 do
      local j = self(i)
      list[i], list[j] = list[j], list[i]
   end
   return list
end

local function draws_of(run, epoch)
   return setmetatable({ next = draw.uniforms(run.seed, "sample", epoch << 20) }, Draw)
end

-- ---- samplers of one's own ----

local function is_list(value)
   return type(value) == "table" and value[1] ~= nil
end

--- Whether a value of the option is a sampler, or what is made one.
function sampling.is_sampler(value)
   return type(value) == "function" or is_list(value) or type(value) == "table" and type(value.indices) == "function"
end

-- A list by what is in it.
local function list_text(list)
   return ("a list of %d, %s"):format(#list, core.checksum { table.concat(list, " ") })
end

--- What a sampler is called in files, and told apart by where a run goes on.
function sampling.describe(value)
   if type(value) == "function" then return "a function" end
   if is_list(value) then return list_text(value) end
   return value.describe and value:describe() or value.name or "a function"
end

-- The sampler of a run, whatever it was given: { name, describe, indices }.
local function made_of(value)
   local text = sampling.describe(value)
   local indices = type(value) == "table" and value.indices or value
   if is_list(value) then indices = function() return value end end
   local more = type(value) == "table" and value or {}
   return { name = more.name or text, indices = indices, describe = function() return text end, batch_size = more.batch_size,
      note = more.note }
end

-- ---- orders ----

local function part_of(run, bad)
   local train = run.set.train
   return { n = #train.paths, paths = train.paths, labels = train.labels, classes = run.set.classes, seed = run.seed,
      bad = bad }
end

local function fail(run, epoch, format, ...)
   error(("train.fit: sampler (%s), epoch %d: "):format(run.sampler:describe(), epoch) .. format:format(...), 0)
end

local function check_indices(run, epoch, list)
   local n = #run.set.train.paths
   if type(list) ~= "table" then
      fail(run, epoch, "expected a list with the numbers of photos, found %s", console.brief(list))
   elseif #list == 0 then
      fail(run, epoch, "the list is empty; expected numbers of photos from 1 to %d", n)
   end
   for place, index in ipairs(list) do
      if not (math.type(index) == "integer" and index >= 1 and index <= n) then
         fail(run, epoch, "expected numbers of photos from 1 to %d, found %s at place %d", n, console.brief(index), place)
      end
   end
   return list
end

--- The photos of an epoch, those that cannot be read among them where a sampler has them. bad: a set of these.
function sampling.indices(run, epoch, bad)
   if not run.sampler then return draw.permutation(run.seed, "shuffle", epoch, #run.set.train.paths) end
   local list = check_indices(run, epoch, run.sampler.indices(epoch, draws_of(run, epoch), part_of(run, bad)))
   if run.sampled and #list ~= run.sampled and not next(bad) then
      fail(run, epoch, "expected %d photos, as many as in the first epoch, found %d", run.sampled, #list)
   end
   return list
end

--- Of several processes each takes its share of the order that it has: fails in all of them where these are not the same. list:
-- of sampling.indices. Together.
function sampling.agree(run, epoch, list)
   if not (run.shared and run.sampler) then return end
   local others = world.differing(table.concat(list, " "))
   if #others == 0 then return end
   console.fail("sampler (%s), epoch %d: rank %d has another order of photos than rank 0; all processes need the same: what a "
      .. "sampler draws comes from the 'draw' that it gets, not from math.random or the order of pairs()",
      run.sampler:describe(), epoch, others[1])
end

--- How many photos train in an epoch.
function sampling.length(run)
   return run.sampled or #run.set.train.paths
end

local function tell_missing_classes(run, list)
   local drawn = {}
   for _, index in ipairs(list) do drawn[run.set.train.labels[index]] = true end
   for class, name in ipairs(run.set.classes) do
      if not drawn[class] then
         console.warn("sampler (%s): no photo of class '%s' trains in the first epoch", run.sampler:describe(), name)
      end
   end
end

--- The same for what sampling.begin has asked for. Together.
function sampling.agree_at_first(run)
   sampling.agree(run, 1, run.first_order)
   run.first_order = nil
end

--- Takes the option `sampler` of a run, which becomes one { name, describe, indices }.
function sampling.read(run)
   run.sampler = run.sampler and made_of(run.sampler)
end

-- A sampler that is made for batches of one size says what it is worth in others.
local function check_batch_size(run)
   local size = run.sampler.batch_size
   if size and run.batch_size ~= size then
      error(("train.fit: sampler (%s): batch_size: expected %d, which it is made for, found %d"):format(run.sampler:describe(),
         size, run.batch_size), 0)
   end
end

local function tell_note(run)
   local line = run.sampler.note and run.sampler.note(part_of(run, {}))
   if line then console.warn("sampler (%s): %s", run.sampler:describe(), line) end
end

--- Asks the sampler for the first epoch, so that what is wrong is told before anything trains. The photos of the run are known.
function sampling.begin(run)
   if not run.sampler then return end
   check_batch_size(run)
   local list = sampling.indices(run, 1, {})
   run.sampled, run.first_order = #list, run.shared and list or nil
   tell_note(run)
   tell_missing_classes(run, list)
   if run.class_weights == "balanced" and run.sampler:describe():find "^balanced" then
      console.warn "sampler and class_weights both make rare classes count more: one of them is enough"
   end
end

return sampling
