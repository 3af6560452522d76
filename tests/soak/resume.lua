-- 1,000 processes killed at random moments, each run ending as one that was never stopped. Usage: scute tests/soak/resume.lua
local _, _, code = os.execute(("'%s' tests/resume/run.lua 1000"):format(arg[-1]))
os.exit(code == 0, true)
