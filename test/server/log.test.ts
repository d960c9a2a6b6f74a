import { describe, expect, test } from 'vitest'
import { createApp } from '../../server/src/app.ts'
import { logEvents } from '../../server/src/event-log.ts'
import { createLog } from '../../server/src/log.ts'
import { createAuth, memoryStore } from '../../src/index.ts'
import { authRoutes } from '../../src/routes/index.ts'
import { startServer, temporaryFolder } from './processes.ts'

type Line = Readonly<Record<string, unknown>>

const linesOf = (text: string): readonly Line[] =>
  text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Line)

const WRONG = { email: 'nobody@example.com', password: 'canary horse battery staple' }

describe('the log', () => {
  test('warns of a failed sign-in, with the request that it belongs to and the address of the client', async () => {
    const server = await startServer({ cwd: temporaryFolder() })
    const headers = { 'x-forwarded-for': '203.0.113.7' }
    const answers = await Promise.all([WRONG, WRONG, WRONG].map((body) => server.post('/auth/signin', body, headers)))
    const ids = answers.map((answer) => answer.headers.get('x-request-id'))
    const { stderr } = await server.stop()
    const failed = linesOf(stderr).filter(({ event }) => event === 'signin.failed')
    expect(new Set(failed.map(({ requestId }) => requestId))).toEqual(new Set(ids))
    for (const line of failed) expect(line).toMatchObject({ level: 'warn', client: '127.0.0.1' })
    expect(stderr).not.toContain('203.0.113.7')
  })

  test('warns of a refresh token that came back too late', async () => {
    const server = await startServer({ cwd: temporaryFolder(), env: { JOTWARD_ROTATION_GRACE: '0' } })
    await server.post('/auth/signup', { ...WRONG, email: 'ann@example.com' })
    const signedIn = await server.post('/auth/signin', { ...WRONG, email: 'ann@example.com' })
    const { refresh_token: token } = (await signedIn.json()) as { readonly refresh_token: string }
    await server.post('/auth/refresh', { refresh_token: token })
    const reused = await server.post('/auth/refresh', { refresh_token: token })
    expect(reused.status).toBe(401)
    const lines = linesOf((await server.stop()).stderr)
    expect(lines.find(({ event }) => event === 'refresh.reused')).toMatchObject({
      level: 'warn',
      requestId: reused.headers.get('x-request-id'),
    })
    expect(lines.find(({ event }) => event === 'session.refreshed')).toMatchObject({ level: 'info' })
  })

  test('says to which request a failure belongs', async () => {
    const written: string[] = []
    const log = createLog('info', { write: (line: string) => void written.push(line) })
    const store = memoryStore()
    const users = { ...store.users, findByEmail: () => Promise.reject(new Error('the directory is away')) }
    const auth = createAuth({
      issuer: 'http://localhost',
      audience: 'a',
      keys: { secret: 'q3Zk9vR1tX7bN5mW8yL2cD4fG6hJ0aSe-Pu_iKoTzBr' },
      store,
      users,
      hooks: { onEvent: logEvents(log) },
    })
    const app = createApp({ handler: authRoutes(auth), checkReady: () => auth.ready(), log, issuer: auth.issuer })
    const request = new Request('http://localhost/auth/signin', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(WRONG),
    })
    const answer = await app.fetch(request, { client: '192.0.2.1' })
    expect(answer.status).toBe(503)
    const failure = linesOf(written.join('')).find(({ level }) => level === 'error')
    const requestId = answer.headers.get('x-request-id')
    expect(failure).toMatchObject({ msg: 'answered with 503', requestId, client: '192.0.2.1' })
  })

  test('has a line for the start and one for the end', async () => {
    const server = await startServer({ cwd: temporaryFolder() })
    const lines = linesOf((await server.stop()).stderr)
    expect(lines.at(0)).toMatchObject({ level: 'info', msg: 'started', url: server.url, issuer: server.url })
    expect(lines.at(-1)).toMatchObject({ level: 'info', msg: 'stopped', inTime: true })
  })
})
