-- A trained model for other programs.
--
--    ./scute scripts/export.lua --model models/resnet50/best.safetensors --format onnx --output turtles.onnx
local scute = require "scute"
local cli, export, models = scute.cli, scute.export, scute.models

local opt = cli.parse(arg, "Write a trained model for onnxruntime, PyTorch or timm", {
   { "model", required = true, value = "FILE", help = "what training saved: best.safetensors" },
   { "format", choices = export.FORMATS, required = true,
     help = "who takes it: programs that run ONNX, PyTorch with torchvision, or timm" },
   { "output", required = true, value = "FILE",
     help = "a .onnx, or a .safetensors, beside which a .json then says how it is loaded" },
   { "overwrite", flag = true, help = "replace what is there already" },
   cli.pick(cli.common, "quiet")[1], table.unpack(export.flags),
})
cli.alone()
local files = export.check_output(opt)
local model, metadata = cli.guard(nil, models.load, opt.model)
local about, why = export.about(opt.model, metadata)
cli.guard(nil, export[opt.format], model, opt.output, export.settings(opt, about))
for _, path in ipairs(files) do cli.line("wrote %s", path) end
if why then cli.warn("note: how accurate the model is does not stand there: %s", why) end
