-- MusiScene inside DaVinci Resolve: click it once per session (Workspace > Scripts).
--
-- Waits for next.lua, which MusiScene writes on this machine, makes the calls in it, and answers
-- through Fusion's preferences: a sandboxed script has no other way out. Needs nothing that the
-- free edition takes away (io, os, require, package, ffi, UIManager).
--
-- A request is a table { session, seq, kind, drop, calls }. Each (session, seq) is obeyed at most
-- once; a session begins with kind "hello", so that a request left over from before is not obeyed.
-- An answer is the text MS1.<session>.<seq>.<length>.<Adler-32>.<payload>, the payload JSON in
-- which every byte but letters and digits is written ~XX.

-- `musiscene setup resolve` puts it into Resolve's menu.

local PROTOCOL = 1
local PAUSE = 0.02
for name, object in pairs({ resolve = resolve or false, fusion = fusion or false, bmd = bmd or false }) do
  if not object then
    print("MusiScene cannot start: " .. name .. " is missing. Start it from Workspace > Scripts.")
    return
  end
end
local folder = MUSISCENE_FOLDER or fusion:MapPath("Profile:")
if not folder:match("[/\\]$") then folder = folder .. "/" end
local path = folder .. "musiscene_next.lua"

local objects, count = {}, 0
local session, last = nil, 0

local function keep(object)
  count = count + 1
  objects[count] = object
  return count
end

local quoted = { ['"'] = '\\"', ["\\"] = "\\\\" }
local function text(value)
  return '"' .. value:gsub('[%c"\\]', function(char)
    return quoted[char] or string.format("\\u%04x", char:byte())
  end) .. '"'
end

local encode
local function encode_table(value)
  local keys, length = 0, #value
  for _ in pairs(value) do keys = keys + 1 end
  local parts = {}
  if keys == length then
    for index = 1, length do parts[index] = encode(value[index]) end
    return "[" .. table.concat(parts, ",") .. "]"
  end
  for key, entry in pairs(value) do
    parts[#parts + 1] = "[" .. encode(key) .. "," .. encode(entry) .. "]"
  end
  return '{"d":[' .. table.concat(parts, ",") .. "]}"
end

function encode(value)
  local kind = type(value)
  if kind == "nil" then return "null" end
  if kind == "boolean" then return tostring(value) end
  if kind == "string" then return text(value) end
  if kind == "number" then
    if value ~= value or value == math.huge or value == -math.huge then return "null" end
    if value % 1 == 0 and value < 2 ^ 53 and value > -2 ^ 53 then
      return string.format("%.0f", value)
    end
    return string.format("%.17g", value)
  end
  if kind == "table" and getmetatable(value) == nil then return encode_table(value) end
  return '{"o":' .. keep(value) .. "}"
end

local function decode(value)
  if type(value) ~= "table" then return value end
  if value.k == "o" then return objects[value.v] end
  if value.k == "n" then return nil end
  local made = {}
  if value.k == "l" then
    for index = 1, #value.v do made[index] = decode(value.v[index]) end
  else
    for index = 1, #value.v do made[value.v[index][1]] = decode(value.v[index][2]) end
  end
  return made
end

local function checksum(payload)
  local low, high = 1, 0
  for index = 1, #payload do
    low = (low + payload:byte(index)) % 65521
    high = (high + low) % 65521
  end
  return string.format("%.0f", high * 65536 + low)
end

local function answer(request, json)
  local payload = json:gsub("[^%w]", function(char)
    return string.format("~%02X", char:byte())
  end)
  local head = { "MS1", request.session, string.format("%.0f", request.seq), #payload }
  local reply = table.concat(head, ".") .. "." .. checksum(payload) .. "." .. payload
  for _ = 1, 5 do
    -- Resolve may be writing the same file.
    local done = pcall(function()
      fusion:SetPrefs("Global.MusiScene.Reply", reply)
      fusion:SavePrefs()
    end)
    if done then return end
    bmd.wait(PAUSE)
  end
end

local function one_call(call)
  local object = objects[call.target]
  if object == nil then error("no such object") end
  if call.kind == "has" then return object[call.name] ~= nil end
  if call.kind == "get" then return object[call.name] end
  local given = {}
  for index = 1, call.n do given[index] = decode(call.args[index]) end
  return object[call.name](object, unpack(given, 1, call.n))
end

local function make_calls(request)
  for _, handle in ipairs(request.drop) do objects[handle] = nil end
  local answers = {}
  for index, call in ipairs(request.calls) do
    local done, value = pcall(one_call, call)
    if not done then
      answer(request, '{"error":' .. text(tostring(value)) .. ',"call":' .. text(call.name) .. "}")
      return
    end
    answers[index] = encode(value)
  end
  answer(request, '{"answers":[' .. table.concat(answers, ",") .. "]}")
end

local function obey(request)
  if request.kind == "hello" and request.session ~= session then
    session, last, objects, count = request.session, request.seq, {}, 0
    answer(request, '{"protocol":' .. PROTOCOL .. ',"root":' .. keep(resolve) .. "}")
  elseif request.session == session and request.seq > last then
    -- Noted before the work, so that nothing is ever done twice.
    last = request.seq
    if request.kind == "stop" then
      answer(request, '{"answers":[]}')
      return false
    end
    make_calls(request)
  end
  return true
end

unpack = unpack or table.unpack
print("MusiScene is listening. Leave this running; start scoring from MusiScene.")
local going = true
while going do
  if bmd.fileexists(path) then
    local read, request = pcall(dofile, path)
    if read and type(request) == "table" then going = obey(request) end
  end
  if going then bmd.wait(PAUSE) end
end
print("MusiScene has stopped listening.")
