-- For wrk: ALICE and BOB (tokens) in turn on each connection. Each request says
-- whose claim it expects.

local users = { { 'alice', os.getenv('ALICE') }, { 'bob', os.getenv('BOB') } }
local requests = {}
local turn = 0

function init()
    for i, user in ipairs(users) do
        requests[i] = wrk.format('GET', nil, {
            ['Host'] = '127.0.0.1', ['X-Expect'] = user[1],
            ['X-User-Id'] = 'mallory', ['Authorization'] = 'Bearer ' .. user[2]
        })
    end
end

function request()
    turn = turn % 2 + 1
    return requests[turn]
end
