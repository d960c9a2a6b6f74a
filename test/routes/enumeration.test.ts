import { expect, test } from 'vitest'
import { scryptHasher } from '../../src/passwords/scrypt.ts'
import { createBed, form, PASSWORD, post } from '../conformance/routes/bed.ts'
import { createRecord } from '../conformance/routes/record.ts'
import { serveFetch } from '../conformance/serve-fetch.ts'
import { openMemoryStore } from '../conformance/stores.ts'

const ROUNDS = 30

const median = (values: readonly number[]): number =>
  values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)] ?? Number.NaN

const ground = { serve: serveFetch, after: 'nothing', openStore: openMemoryStore, record: createRecord() } as const

// Same words and headers are proved in conformance/routes/sign-in.ts; here is the third tell-tale.
test('unknown addresses, wrong passwords and disabled users are refused in the same time (N140)', async () => {
  const hasher = scryptHasher({ cost: 2 ** 12, parallelization: 1 })
  const bed = await createBed(ground, { options: { passwords: { hasher } } })
  const [known, disabled] = [await bed.signUp(), await bed.signUp()]
  await bed.store.users.update(disabled.id, { active: false })
  const attempts = [known.email, 'nobody@example.com', 'no address', disabled.email].map((email) => [
    post('/auth/signin', { email, password: 'wrong' }),
    form('/auth/token', [
      ['grant_type', 'password'],
      ['username', email],
      ['password', email === disabled.email ? PASSWORD : 'wrong'],
    ]),
  ])
  const times = attempts.map(() => [] as number[])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, sent] of attempts.entries()) {
      const request = sent[round % 2]
      if (request === undefined) continue
      const started = performance.now()
      await bed.refuses(request, 'invalid_credentials')
      times[index]?.push(performance.now() - started)
    }
  }
  const [expected = Number.NaN, ...others] = times.map(median)
  for (const time of others) {
    expect(time).toBeGreaterThan(expected * 0.6)
    expect(time).toBeLessThan(expected * 1.7)
  }
})
