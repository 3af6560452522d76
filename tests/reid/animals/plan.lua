-- Who is seen when, where and from which side: the lives of the animals, before anything is drawn.
local random = require "animals.random"
local scene = require "animals.scene"

local DAY = 86400
local FIRST, LAST = 1333281600, 1698667200 -- noon of 2012-04-01 and of 2023-10-30, UTC

-- Nothing drifts: the same animals stay from the first year to the last, and others pass by at an even rate. So what holds of
-- new animals in one year holds in the next, as probabilities that were learned in one year need it.
local STAYS = 3 -- each how manyth animal does

-- Days of an animal that stays: one in each of some stretches of all that time.
local function days_of_staying(source)
   local n, days = source:whole(9, 12), {}
   for i = 1, n do days[i] = math.floor(FIRST + (LAST - FIRST) * (i - 1 + source:uniform(0.1, 0.9)) / n) end
   return days
end

local EVENLY = (math.sqrt(5) - 1) / 2 -- steps of the golden ratio leave no gap and no crowd

-- Days of one that passes by: mostly one, or another within the same season.
local function days_of_passing(source, number)
   local day = math.floor(FIRST + (LAST - FIRST) * ((number * EVENLY + source:uniform(0, 0.02)) % 1))
   return { day, source:chance(0.25) and day + source:whole(10, 60) * DAY or nil }
end

local function pose_of(source, side)
   return { side = side, x = scene.WIDTH * (side == "left" and 0.55 or 0.45) + source:normal(9),
      y = scene.HEIGHT * 0.52 + source:normal(9), scale = source:uniform(78, 94), angle = source:normal(0.15),
      yaw = math.max(-0.45, math.min(0.45, source:normal(0.2))), pitch = source:uniform(0.9, 1.1),
      front = source:uniform(0.5, 2.2), rear = source:uniform(1.8, 2.8) }
end

local function photo_of(encounter, source, k, side)
   local date = os.date("!*t", encounter.seconds + 11 * k)
   local name = ("%s_%s_%d"):format(encounter.identity, encounter.date, k)
   return { file = ("%s/%s.png"):format(encounter.identity, name), encounter = encounter, side = side,
      time = ("%02d:%02d:%02d"):format(date.hour, date.min, date.sec), pose = pose_of(source, side),
      view = { x = source:uniform(35, 60), y = source:uniform(30, 50), zoom = source:uniform(1, 1.06) }, key = name }
end

-- Photos of an encounter: mostly of both sides, in bursts of one.
local function photograph(photos, encounter, source, n)
   local side = source:chance(0.5) and "left" or "right"
   for k = 1, n do
      photos[#photos + 1] = photo_of(encounter, source, k, side)
      if source:chance(0.4) then side = side == "left" and "right" or "left" end
   end
end

local function live(made, number, seed)
   local source = random(seed, "life", number)
   local identity, home, age = ("S%03d"):format(number), source:whole(1, scene.SITES), source:uniform(8, 26)
   local days = number % STAYS == 0 and days_of_staying(source) or days_of_passing(source, number)
   for _, day in ipairs(days) do
      local site = source:chance(0.6) and home or source:whole(1, scene.SITES)
      local years = age + (day - days[1]) / (365.25 * DAY)
      made.encounters = made.encounters + 1
      local encounter = { number = made.encounters, identity = identity, individual = number, site = site, seconds = day,
         date = os.date("!%Y-%m-%d", day), grown = 1 - math.exp(-years / 10) }
      -- Of some that are seen once, there is one photo.
      local n = #days == 1 and source:chance(0.3) and 1 or 3
      photograph(made.photos, encounter, source, n)
   end
end

--- The photos that there are: { seed, encounters (their number), photos = list of { file, encounter = { number, identity,
-- individual, site, date, grown }, side, time, pose, view, key } }, by individual and day.
return function(seed, individuals)
   local made = { seed = seed, encounters = 0, photos = {} }
   for number = 1, individuals do live(made, number, seed) end
   return made
end
