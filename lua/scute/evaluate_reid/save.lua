-- What an evaluation of individuals leaves on disk: its figures, tables by individual and by photo, and pictures.
local lfs = require "lfs"
local scute = require "scute"
local console = require "scute.base.console"
local csv = require "scute.base.csv"
local pictures = require "scute.evaluate_reid.pictures"
local tell = require "scute.evaluate_reid.tell"
local to_json = require "scute.base.json"

local save = {}

local INDIVIDUAL = { "identity", "photos", "gallery", "encounters", "known", "right", "top5", "map", "new", "taken_for" }
local ANSWER = { "file", "identity", "side", "encounter", "known", "said", "right", "similarity", "probability", "new", "rank",
   "precision", "candidate" }

-- A table of rows as CSV.
local function csv_text(columns, rows)
   local lines = { table.concat(columns, ",") }
   for i, row in ipairs(rows) do
      local cells = {}
      for k, name in ipairs(columns) do cells[k] = row[name] end
      lines[i + 1] = csv.line(cells, #columns)
   end
   return table.concat(lines, "\n") .. "\n"
end

local function answer_rows(answers)
   local rows = {}
   for i, a in ipairs(answers) do
      rows[i] = { file = a.row.file, identity = a.truth, side = a.row.side, encounter = a.row.encounter, known = a.is_known,
         said = a.said or nil, right = a.is_right, similarity = a.similarity, probability = a.probability, new = a.new,
         rank = a.rank, precision = a.precision, candidate = a.candidates[1] and a.candidates[1].row.file or nil }
   end
   return rows
end

--- Writes an evaluation (of evaluate_reid.measure) into `folder`, which is made if need be: reid_evaluation.json,
-- individuals.csv (a row for each individual), answers.csv (a row for each photo), and the pictures reid_*.png; where it is
-- the folder of a training run, its report.html too. opt: the options of the command line.
function save.save(folder, result, opt)
   console.guard("output_dir", scute.files.mkdirs, folder)
   local function write(name, text) console.guard("output_dir", scute.files.write, folder .. "/" .. name, text) end
   write("individuals.csv", csv_text(INDIVIDUAL, result.individuals))
   write("answers.csv", csv_text(ANSWER, answer_rows(result.answers)))
   console.guard("output_dir", pictures.save, folder, result)
   write("reid_evaluation.json", to_json(tell.to_table(result, opt)))
   local is_run = lfs.attributes(folder .. "/run.json") ~= nil
   if is_run then console.guard("output_dir", require("scute.report.html").write, folder) end
   if opt.json then return end -- which has the output for itself
   console.line("files: %s/%sreid_evaluation.json, individuals.csv, answers.csv, reid_*.png", folder,
      is_run and "report.html, " or "")
end

return save
