-- Days and times of day as people, cameras and other programs write them.
local dates = {}

local DAYS = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 }

local function is_day(year, month, day)
   local most = DAYS[month]
   if not most then return false end
   if month == 2 and year % 4 == 0 and (year % 100 ~= 0 or year % 400 == 0) then most = 29 end
   return day >= 1 and day <= most
end

-- What can be a day: the year first, in one piece, or the day first and points between. Which of two numbers between slashes
-- is the day no one can tell.
local FORMS = {
   { "^(%d%d%d%d)[-/:._](%d%d?)[-/:._](%d%d?)(.*)$", 1, 2, 3 },
   { "^(%d%d%d%d)(%d%d)(%d%d)(.*)$", 1, 2, 3 },
   { "^(%d%d?)%.%s?(%d%d?)%.%s?(%d%d%d%d)(.*)$", 3, 2, 1 },
}

local function parts_of(text)
   for _, form in ipairs(FORMS) do
      local found = { text:match(form[1]) }
      if found[1] then
         return tonumber(found[form[2]]), tonumber(found[form[3]]), tonumber(found[form[4]]), found[4]
      end
   end
end

--- The time of day in a text, "HH:MM:SS"; nil where there is none. Parts of a second and the time zone are passed over.
function dates.time(text)
   local hour, minute, rest = text:match "^(%d%d?):(%d%d)(.*)$"
   if not hour then return nil end
   local second = rest:match "^:(%d%d)" or "00"
   hour = tonumber(hour)
   if hour > 23 or minute > "59" or second > "60" then return nil end
   return ("%02d:%s:%s"):format(hour, minute, second)
end

local function why_none(text)
   if text:find "^%d%d?/%d%d?/%d%d%d%d" then return "does not say which number is the day; write it as YYYY-MM-DD" end
   if text:find "^%d%d%d%d$" or text:find "^%d%d%d%d%-%d%d$" then return "names no day; write it as YYYY-MM-DD" end
   return "is no date; expected YYYY-MM-DD"
end

local SHORT = 10 -- letters of a day: longer texts have the time, and are all different

local known = {} -- days by what was written

--- The day in a text, "YYYY-MM-DD", and the time of day behind it, "HH:MM:SS" or nil. nil, nil, why in words where it is none.
function dates.read(text)
   if known[text] then return known[text] end
   local year, month, day, rest = parts_of(text)
   if not year then return nil, nil, why_none(text) end
   local behind = rest:match "^[T_%s]%s*(.*)$"
   local time = behind and dates.time(behind)
   if not is_day(year, month, day) or rest:find "%S" and not time then return nil, nil, why_none(text) end
   local date = ("%04d-%02d-%02d"):format(year, month, day)
   if #text <= SHORT then known[text] = date end
   return date, time
end

return dates
