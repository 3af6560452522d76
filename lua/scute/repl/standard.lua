-- The globals that Lua, its libraries and the session bring: what is not among them is the user's.
local standard = {}

for name in ([[_G _VERSION arg assert collectgarbage coroutine debug dofile error getmetatable io ipairs load loadfile math next
   os package pairs pcall print rawequal rawget rawlen rawset require select setmetatable string table tonumber tostring type
   utf8 warn xpcall scute help show lfs _ _1 _2]]):gmatch "%S+" do
   standard[name] = true
end

return standard
