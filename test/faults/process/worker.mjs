import { createServer } from 'node:http'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { setTimeout as wait } from 'node:timers/promises'
import { createAuth } from '../../../dist/index.js'
import { nodeAuth } from '../../../dist/adapters/node.js'
import { bounded } from '../../../dist/stores/bounded/index.js'
import { replicated } from '../../../dist/stores/replicated/index.js'
import { openStore } from './open-store.mjs'

// One process of an application, as plain as can be: sign-in without a password, refresh, guarded routes, revocation.
// Its settings are the JSON of its one argument; it prints its port, then serves until it is killed, or told to end.

const settings = JSON.parse(process.argv[2])

// A clock that is wrong, for everything in this process.
const realNow = Date.now
let shiftMs = settings.clockShiftMs ?? 0
Date.now = () => realNow() + shiftMs

const bare = await openStore(settings.store, settings.reads)
const store = replicated(bounded(bare, settings.bounds), settings.replication)
const counts = {}
const auth = createAuth({
  issuer: 'https://id.example',
  audience: 'https://api.example',
  keys: { secret: settings.secret },
  store,
  accessToken: settings.accessToken,
  refreshToken: settings.refreshToken,
  hooks: { onEvent: ({ type }) => (counts[type] = (counts[type] ?? 0) + 1) },
})
const { protect } = nodeAuth(auth)
const delay = monitorEventLoopDelay({ resolution: 5 })
delay.enable()

const bodyOf = async (request) => {
  const chunks = []
  for await (const chunk of request) chunks.push(chunk)
  return JSON.parse(Buffer.concat(chunks).toString() || '{}')
}

const answer = (response, status, body) => {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

const pairOf = ({ accessToken, refreshToken, tokenId, expiresIn, session }) => ({
  accessToken,
  refreshToken,
  tokenId,
  expiresIn,
  sessionId: session.id,
})

const work = {
  '/signin': async ({ subject }) => pairOf(await auth.issue({ subject })),
  '/refresh': async ({ refreshToken }) => pairOf(await auth.refresh(refreshToken)),
  '/signout': async ({ token }) => auth.signOut(token),
  '/revoke-token': async (token) => auth.revoke.token(token),
  '/revoke-session': async (session) => auth.revoke.session(session),
  '/revoke-subject': async ({ subject }) => auth.revoke.subject(subject),
  /** A token that belongs to no session, on this process's own clock. */
  '/sign': async ({ subject }) => auth.tokens.sign({ subject }),
  '/clock': async (given) => {
    ;({ shiftMs } = given)
  },
  '/stats': async ({ reset = false }) => {
    const stats = {
      delayP99Ms: delay.percentile(99) / 1e6,
      delayMaxMs: delay.max / 1e6,
      counts,
      rss: process.memoryUsage().rss,
    }
    if (reset) delay.reset()
    return stats
  },
}

const routes = {
  '/me': protect({}, (_request, response, { subject }) => answer(response, 200, { subject })),
  '/me-strict': protect({ revocation: 'strict' }, (_request, response, { subject }) =>
    answer(response, 200, { subject }),
  ),
  '/open': protect({ revocation: 'skip' }, (_request, response, { subject }) => answer(response, 200, { subject })),
}

const serve = async (request, response) => {
  if (routes[request.url] !== undefined) return routes[request.url](request, response)
  const task = work[request.url]
  if (task === undefined) return answer(response, 404, { code: 'no_such_route' })
  try {
    return answer(response, 200, (await task(await bodyOf(request))) ?? {})
  } catch (failure) {
    const { status, headers, body } = await auth.refuse(failure)
    return response.writeHead(status, headers).end(body)
  }
}

/** Throws a failure at last. */
const tooLate = (failure) => {
  if (performance.now() > readyBy) throw failure
  return false
}

const server = createServer((request, response) => {
  serve(request, response).catch((failure) => {
    process.stderr.write(`${failure?.stack}\n`)
    response.destroy()
  })
})

// Whoever started it holds the other end: it must not outlive them, whatever ends those.
process.stdin.on('end', () => process.exit(0)).resume()

// An orderly end: what has begun is answered.
process.once('SIGTERM', () => {
  server.close(() => process.exit(0))
  // Those that are kept alive would keep it alive.
  setInterval(() => server.closeIdleConnections(), 20)
})

// As whoever starts a process again and again: on a busy machine the store may be late at first.
const readyBy = performance.now() + 30_000
while (
  !(await auth.ready().then(
    () => true,
    (failure) => tooLate(failure),
  ))
)
  await wait(100)
server.listen(settings.port ?? 0, '127.0.0.1', () =>
  process.stdout.write(`${JSON.stringify({ port: server.address().port })}\n`),
)
