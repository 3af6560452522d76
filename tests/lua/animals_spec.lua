-- The synthetic animals of tests/reid: who is drawn when follows from the seed alone, and every photo is what its row says.
package.path = "tests/reid/?.lua;" .. package.path
local animals = require "animals"
local scute = require "scute"
local csv = require "scute.base.csv"

local function bytes(image)
   return scute.checksum { image:tensor() }
end

-- By name: the days of each animal, and how many photos there are of it.
local function lives(plan)
   local days, photos = {}, {}
   for _, photo in ipairs(plan.photos) do
      local identity = photo.encounter.identity
      days[identity] = days[identity] or {}
      days[identity][photo.encounter.date] = true
      photos[identity] = (photos[identity] or 0) + 1
   end
   return days, photos
end

local function count(set)
   local n = 0
   for _ in pairs(set) do n = n + 1 end
   return n
end

describe("synthetic animals", function()
   local plan

   setup(function() plan = animals.plan { seed = 3, individuals = 40 } end)

   it("live as the seed says", function()
      assert.same(plan, animals.plan { seed = 3, individuals = 40 })
      assert.are_not.equal(animals.metadata(plan), animals.metadata(animals.plan { seed = 4, individuals = 40 }))
      -- An animal more leaves those before it as they are.
      assert.same(plan.photos[1], animals.plan({ seed = 3, individuals = 41 }).photos[1])
   end)

   it("are met once or several times, from both sides, and grow", function()
      local days, photos = lives(plan)
      local met, single, sides, grows = {}, 0, {}, true
      for identity, dates in pairs(days) do
         local n = count(dates)
         met[n] = (met[n] or 0) + 1
         if photos[identity] == 1 then single = single + 1 end
      end
      for i, photo in ipairs(plan.photos) do
         sides[photo.side] = (sides[photo.side] or 0) + 1
         local before = plan.photos[i - 1] and plan.photos[i - 1].encounter
         if before and before.identity == photo.encounter.identity then
            grows = grows and before.grown <= photo.encounter.grown and before.date <= photo.encounter.date
         end
      end
      assert.equal(40, count(days))
      assert.is_true(met[1] > 10 and met[1] < 27 and single >= 1 and single < met[1])
      assert.is_true(sides.left > #plan.photos / 3 and sides.right > #plan.photos / 3 and grows)
   end)

   it("are listed as wildlife-datasets lists photos", function()
      local rows = csv.parse(animals.metadata(plan))
      assert.equal(#plan.photos + 1, #rows)
      assert.equal("image_id,identity,path,date,orientation,encounter,bbox,species", table.concat(rows[1], ","))
      for i = 2, #rows do
         local x, y, width, height = rows[i][7]:match "^%[(%d+), (%d+), (%d+), (%d+)%]$"
         assert.is_true(x + width <= 256 and y + height <= 192 and width * height > 2500, rows[i][7])
         assert.matches("^%d%d%d%d%-%d%d%-%d%d %d%d:%d%d:%d%d$", rows[i][4])
      end
   end)

   it("are drawn the same again, in whatever order", function()
      local first <close> = animals.draw(plan, plan.photos[1])
      local other <close> = animals.draw(plan, plan.photos[#plan.photos])
      local again <close> = animals.draw(animals.plan { seed = 3, individuals = 40 }, plan.photos[1])
      assert.same({ 256, 192 }, { first.width, first.height })
      assert.equal(bytes(first), bytes(again))
      assert.are_not.equal(bytes(first), bytes(other))
   end)

   it("are where the box says", function()
      local photo = plan.photos[2]
      local with <close> = animals.draw(plan, photo)
      local without <close> = animals.draw(plan, photo, true)
      local apart = (with:tensor():to "f32" - without:tensor():to "f32"):abs():mean(2) -- (1, 192, 256)
      local x, y, width, height = table.unpack(animals.box(plan, photo))
      local inside = apart:slice(2, y + 1, y + height):slice(3, x + 1, x + width):sum():item()
      local all = apart:sum():item()
      assert.is_true(inside / (width * height) > 4 * (all - inside) / (256 * 192 - width * height))
   end)

   it("lie in a folder that says what they are, drawn once", function()
      local folder = os.tmpname()
      os.remove(folder)
      local small = animals.prepare(folder, { individuals = 1 })
      local about <close> = assert(io.open(folder .. "/ABOUT.txt"))
      assert.matches("^SYNTHETIC animals", about:read "a")
      local path = folder .. "/" .. small.photos[1].file
      local drawn <close> = scute.image.load(path)
      local here <close> = animals.draw(small, small.photos[1])
      assert.equal(bytes(here), bytes(drawn)) -- in another process
      os.remove(path)
      animals.prepare(folder, { individuals = 1 })
      assert.is_nil(io.open(path)) -- nothing was drawn
      animals.prepare(folder, { individuals = 2 })
      assert(io.open(path)):close()
      os.execute(("rm -rf '%s'"):format(folder))
   end)

   it("are a catalogue, whose splits leak as those of real animals do", function()
      local folder = os.tmpname()
      os.remove(folder)
      local few = animals.prepare(folder, { individuals = 4, seed = 1 })
      local catalogue = scute.reid.catalogue(folder, { crop = "box" })
      assert.equal(#few.photos, #catalogue.rows)
      assert.same({}, catalogue.problems)
      for i, row in ipairs(catalogue.rows) do
         local photo = few.photos[i]
         assert.same({ photo.file, photo.encounter.identity, photo.encounter.date, photo.time, photo.side },
            { row.file, row.identity, row.date, row.time, row.side })
         assert.same(animals.box(few, photo), row.box)
      end
      assert.equal(0, scute.reid.split(catalogue, { protocol = "time_closed" }).leak)
      assert.is_true(scute.reid.split(catalogue, { protocol = "random" }).leak > 0.8)
      os.execute(("rm -rf '%s'"):format(folder))
   end)
end)
