-- Whole networks against PyTorch on ref in float64, the large ones too (the suite of Lua has those that take seconds).
-- Usage: scute tests/soak/parity.lua
local _, _, code = os.execute(("SCUTE_SOAK=1 '%s' tests/lua/run.lua tests/lua/parity_spec.lua"):format(arg[-1]))
os.exit(code == 0, true)
