-- Who is seen when, where and from which side: the lives of the animals, before anything is drawn.
local random = require "animals.random"
local scene = require "animals.scene"

local DAY = 86400
local FIRST, LAST = 1333281600, 1698667200 -- noon of 2012-04-01 and of 2023-10-30, UTC

-- Days on which an animal is seen, rising, in seconds. One half of them is there from the beginning, the others come later and
-- are seen the less; some are seen once, however long they have been there.
local function days_of(source)
   local from = source:chance(0.5) and FIRST or source:uniform(FIRST, LAST)
   local stays = (LAST - from) / (LAST - FIRST)
   local n = source:chance(0.1) and 1 or math.max(1, math.floor(source:uniform(4, 9) * stays + 0.5))
   local days = {}
   for i = 1, n do -- one in each of n stretches of time
      days[i] = math.floor(from + (LAST - from) * (i - 1 + source:uniform(0.1, 0.9)) / n)
   end
   return days
end

local function pose_of(source, side)
   return { side = side, x = scene.WIDTH * (side == "left" and 0.55 or 0.45) + source:normal(9),
      y = scene.HEIGHT * 0.52 + source:normal(9), scale = source:uniform(74, 94), angle = source:normal(0.2),
      yaw = math.max(-0.6, math.min(0.6, source:normal(0.3))), pitch = source:uniform(0.85, 1.15),
      front = source:uniform(0.5, 2.2), rear = source:uniform(1.8, 2.8) }
end

local function photo_of(encounter, source, k, side)
   local date = os.date("!*t", encounter.seconds + 11 * k)
   local name = ("%s_%s_%d"):format(encounter.identity, encounter.date, k)
   return { file = ("%s/%s.png"):format(encounter.identity, name), encounter = encounter, side = side,
      time = ("%02d:%02d:%02d"):format(date.hour, date.min, date.sec), pose = pose_of(source, side),
      view = { x = source:uniform(20, 70), y = source:uniform(20, 60), zoom = source:uniform(1, 1.12) }, key = name }
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
   local identity, home, age = ("S%03d"):format(number), source:whole(1, scene.SITES), source:uniform(2, 14)
   local days = days_of(source)
   for _, day in ipairs(days) do
      local site = source:chance(0.6) and home or source:whole(1, scene.SITES)
      local years = age + (day - days[1]) / (365.25 * DAY)
      made.encounters = made.encounters + 1
      local encounter = { number = made.encounters, identity = identity, individual = number, site = site, seconds = day,
         date = os.date("!%Y-%m-%d", day), grown = math.min(1, years / 22) }
      -- Of some that are seen once, there is one photo.
      local n = #days == 1 and source:chance(0.3) and 1 or source:whole(3, 4)
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
