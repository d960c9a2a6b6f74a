import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { createAuth } from '../../src/auth.ts'
import type { Auth } from '../../src/auth.ts'
import type { RefreshTokenConfig } from '../../src/auth-config.ts'
import { AuthError, StoreError } from '../../src/core/errors.ts'
import type { SessionStore } from '../../src/ports/session-store.ts'
import type { MaybePromise } from '../../src/core/maybe-promise.ts'
import type { StoreUnderTest } from '../../src/testing/store-under-test.ts'
import { START_MS } from './stores-under-test.ts'

/** The invariants of rotation that are about whole issuers, each over the real stores, whatever the numbers. */

const GRACE_MS = 30_000
const ACCESS_MS = 900_000

interface Bed extends StoreUnderTest {
  readonly auth: Auth
  /** Lets so many answers to rotations be lost on their way from the store, as when a process dies just then. */
  loseAnswers(count: number): void
}

type Open = () => MaybePromise<StoreUnderTest>

const openBed = async (open: Open, refreshToken: RefreshTokenConfig = {}): Promise<Bed> => {
  const opened = await open()
  let losses = 0
  let nowMs = START_MS
  const rotate: SessionStore['rotate'] = async (presented, policy) => {
    const rotation = await opened.store.sessions.rotate(presented, policy)
    losses -= 1
    if (losses >= 0) throw new StoreError('rotating a session', new Error('the connection is gone'))
    return rotation
  }
  const auth = createAuth({
    issuer: 'https://id.example',
    audience: 'https://api.example',
    keys: { secret: 'u3Jw9vK2pQx7Rz1Lm5Nt8Yb4Cd6Fg0Hs' },
    store: { ...opened.store, sessions: { ...opened.store.sessions, rotate } },
    refreshToken,
    clock: () => nowMs / 1000,
  })
  const turn = async (milliseconds: number): Promise<void> => {
    nowMs += milliseconds
    await opened.turn(milliseconds)
  }
  const loseAnswers = (count: number): void => {
    losses = count
  }
  return { ...opened, auth, turn, loseAnswers }
}

/** The refresh token that a refresh gives, or the code of its refusal. */
const refreshed = async ({ auth }: Bed, token: string): Promise<string> => {
  try {
    return (await auth.refresh(token)).refreshToken
  } catch (error) {
    if (error instanceof AuthError) return error.code
    if (error instanceof StoreError) return 'store failed'
    throw error
  }
}

const isToken = (answer: string): boolean => answer.split('.').length === 3

/** Signs in and refreshes so often, each time when the grace is over; every token in turn. */
const history = async (bed: Bed, rotations: number): Promise<string[]> => {
  const tokens = [(await bed.auth.issue({ subject: 'ann' })).refreshToken]
  for (let rotation = 0; rotation < rotations; rotation++) {
    // Each rotation follows from the one before.
    await bed.turn(GRACE_MS + 1)
    tokens.push(await refreshed(bed, tokens.at(-1) ?? ''))
  }
  return tokens
}

/** A value of a list, by the numbers of the run. */
const choose = <T>(numbers: fc.GeneratorValue, values: readonly [T, ...T[]]): T =>
  values[numbers(fc.nat, { max: values.length - 1 })] ?? values[0]

/** Two holders of one session refresh by turns, each for a run of its own, and never within a grace; the first refusal. */
const takingTurns = async (
  bed: Bed,
  numbers: fc.GeneratorValue,
  { tokens, last }: { readonly tokens: [string, string]; readonly last: number },
): Promise<string> => {
  for (let turn = 0; turn < last; turn++) {
    const holder = turn % 2 === 0 ? 0 : 1
    const presentations = numbers(fc.integer, { min: 1, max: 3 })
    for (let presentation = 0; presentation < presentations; presentation++) {
      // One after another: each gap is longer than the grace.
      await bed.turn(GRACE_MS + 1 + numbers(fc.nat, { max: 3_600_000 }))
      const answer = await refreshed(bed, tokens[holder])
      if (!isToken(answer)) return answer
      tokens[holder] = answer
    }
  }
  return 'never found'
}

const property = async (
  arbitraries: { readonly open: Open; readonly numRuns: number; readonly config?: RefreshTokenConfig },
  prove: (bed: Bed, numbers: fc.GeneratorValue) => Promise<void>,
): Promise<void> => {
  const { open, numRuns, config } = arbitraries
  await fc.assert(
    fc.asyncProperty(fc.gen(), async (numbers) => {
      const bed = await openBed(open, config)
      try {
        await prove(bed, numbers)
      } finally {
        await bed.close()
      }
    }),
    { numRuns },
  )
}

/** The invariants as tests, each over so many runs, every run on a store of its own. */
export const sessionInvariants = (given: { readonly open: Open; readonly numRuns: number }): void => {
  test('I3: presentations of one token at once rotate at most once and get one answer, however old the token', async () => {
    await property(given, async (bed, numbers) => {
      const tokens = await history(bed, numbers(fc.nat, { max: 3 }))
      await bed.turn(numbers(fc.nat, { max: 2 * GRACE_MS }))
      const token = tokens.at(-1 - numbers(fc.nat, { max: 2 })) ?? tokens.at(0) ?? ''
      const count = numbers(fc.integer, { min: 2, max: 32 })
      const before = tokens.length - 1
      const answers = await Promise.all(Array.from({ length: count }, () => refreshed(bed, token)))
      const [session] = await bed.auth.sessions.list('ann')
      expect(new Set(answers.filter(isToken)).size).toBeLessThanOrEqual(1)
      const rotations = (session?.state.generation ?? before) - before
      expect(rotations).toBeLessThanOrEqual(1)
      expect(answers.every(isToken)).toBe(session !== undefined)
    })
  })

  test('I5: tabs that share their token are never signed out, whatever they do within the grace', async () => {
    await property(given, async (bed, numbers) => {
      const [first = ''] = await history(bed, 0)
      let shared = first
      for (let wave = 0; wave < 6; wave++) {
        // A wave: every tab presents what stands in the storage; its answers land in any order, some never.
        await bed.turn(choose(numbers, [1, GRACE_MS / 2, GRACE_MS + 1, 3_600_000, 86_400_000]))
        const tabs = numbers(fc.integer, { min: 1, max: 4 })
        const answers: string[] = []
        for (let tab = 0; tab < tabs; tab++) {
          answers.push(await refreshed(bed, shared))
          await bed.turn(numbers(fc.nat, { max: GRACE_MS / 8 }))
        }
        expect(answers.filter((answer) => !isToken(answer))).toEqual([])
        const landed = numbers(fc.shuffledSubarray, answers, { minLength: 1 })
        shared = landed.at(-1) ?? shared
        // Another answer of the wave may have been newer: then this tab asks again, before the grace is over.
        shared = await refreshed(bed, shared)
        expect(isToken(shared)).toBe(true)
      }
    })
  })

  test('I7: a token with a wrong signature, or any other change of its text, changes nothing (N112)', async () => {
    await property(given, async (bed, numbers) => {
      const tokens = await history(bed, 2)
      await bed.turn(choose(numbers, [0, GRACE_MS + 1]))
      const token = tokens[numbers(fc.nat, { max: 2 })] ?? ''
      const before = await bed.auth.sessions.list('ann')
      const at = numbers(fc.nat, { max: token.length - 1 })
      const letter = choose(numbers, ['A', 'b', '0', '_', '.', '=', ' '])
      const forged = `${token.slice(0, at)}${letter}${token.slice(at + 1)}`
      fc.pre(forged !== token)
      expect(await refreshed(bed, forged)).toBe('refresh_token_invalid')
      expect(await refreshed(bed, token.slice(0, -1))).toBe('refresh_token_invalid')
      expect(await bed.auth.sessions.list('ann')).toEqual(before)
      expect((await bed.store.revocations.read(null)).entries).toEqual([])
    })
  })

  test('I9: what dies after the store’s step gets the same child when it is tried again, in the grace or late (N115)', async () => {
    await property(given, async (bed, numbers) => {
      const tokens = await history(bed, numbers(fc.nat, { max: 3 }))
      await bed.turn(GRACE_MS + 1)
      const token = tokens.at(-1) ?? ''
      const failures = numbers(fc.integer, { min: 1, max: 3 })
      bed.loseAnswers(failures)
      for (let failure = 0; failure < failures; failure++) expect(await refreshed(bed, token)).toBe('store failed')
      await bed.turn(choose(numbers, [0, GRACE_MS, GRACE_MS + 1, 3_600_000]))
      const child = await refreshed(bed, token)
      expect(isToken(child)).toBe(true)
      expect(child).not.toBe(token)
      expect(await refreshed(bed, token)).toBe(child)
      const [session] = await bed.auth.sessions.list('ann')
      expect(session?.state.generation).toBe(tokens.length)
    })
  })

  test.each([0, 1, 2])(
    'I10: two holders who keep out of each other’s grace are found by turn 2(B+1), B = %i',
    async (lateReplays) => {
      await property({ ...given, config: { lateReplays } }, async (bed, numbers) => {
        const tokens = await history(bed, numbers(fc.nat, { max: 2 }))
        const stolen = tokens.at(-1) ?? ''
        const last = 2 * (lateReplays + 1)
        const answer = await takingTurns(bed, numbers, { tokens: [stolen, stolen], last })
        expect(answer).toBe('refresh_token_reused')
        expect(await bed.auth.sessions.list('ann')).toEqual([])
      })
    },
  )

  test('I6, I13: a session lives if no sign-out everywhere came after its credentials were checked', async () => {
    await property(given, async (bed, numbers) => {
      const { auth } = bed
      const subject = choose(numbers, ['ann', null])
      const signOuts = numbers(fc.nat, { max: 3 })
      const signOut = (): Promise<void> => (subject === null ? auth.revoke.everything() : auth.revoke.subject(subject))
      let checks = 0
      if (numbers(fc.boolean)) await signOut()
      const pair = await auth.issueAfter('ann', async () => {
        checks += 1
        if (checks <= signOuts) await signOut()
        return {}
      })
      expect(checks).toBe(signOuts + 1)
      await bed.turn(choose(numbers, [0, 1, ACCESS_MS / 2]))
      expect((await auth.verify(pair.accessToken)).subject).toBe('ann')
      const successor = await refreshed(bed, pair.refreshToken)
      expect(isToken(successor)).toBe(true)
      await signOut()
      await expect((async () => auth.verify(pair.accessToken))()).rejects.toMatchObject({ code: 'token_revoked' })
      for (const token of [pair.refreshToken, successor]) {
        expect(await refreshed(bed, token)).toBe('refresh_token_invalid')
      }
      const next = await auth.issue({ subject: 'ann' })
      expect((await auth.verify(next.accessToken)).subject).toBe('ann')
    })
  })
}
