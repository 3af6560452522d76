-- The names that scute gives to what it writes into the folder of a run. What else lies there is the user's.
local lfs = require "lfs"

local run_files = {}

-- As patterns, beside those of weights.
local FILES = { "run%.json", "history%.csv", "events%.jsonl", "events%.out%.tfevents%..*%.scute", "report%.html",
   "schedule%.png", "split%.csv", "reid%.csv", "reid%.json", "bad_images%.csv", "worst%.json", "confusion%.json",
   "checkpoint%.new", "evaluation%.json", "confusion%.png", "top_losses%.png", "features%.png", "gradcam_%d%.png",
   "trace%.json",
   "reid_evaluation%.json", "individuals%.csv", "answers%.csv", "reid_[%l_]+%.png" }
local WEIGHTS = { "best%.safetensors", "last%.safetensors", "ema%.safetensors", "best_ema%.safetensors",
   "checkpoint%.safetensors", "checkpoint%-%d+%.safetensors" }

local function is_one_of(patterns, name)
   for _, pattern in ipairs(patterns) do
      if name:find("^" .. pattern .. "$") then return true end
   end
   return false
end

--- Whether a name is that of a run's weights.
function run_files.are_weights(name)
   return is_one_of(WEIGHTS, name)
end

--- Whether a run writes a file of that name.
function run_files.is_one(name)
   return is_one_of(FILES, name) or is_one_of(WEIGHTS, name)
end

--- Whether a path is, or would be, that of a file which a run wrote that lies there.
function run_files.belongs(path)
   local folder, name = path:match "^(.*/)([^/]*)$"
   return run_files.is_one(name or path) and lfs.attributes((folder or "") .. "run.json", "mode") == "file"
end

return run_files
