import { createAuth } from '../../../src/auth.ts'
import type { AuthConfig } from '../../../src/auth-config.ts'
import { memoryStore } from '../../../src/stores/memory/memory-store.ts'
import type { Answer } from '../exchange.ts'
import { AUDIENCE, ISSUER, SECRET } from './bed.ts'

/** An issuer that renews access cookies, and the browser of somebody who has signed in. */

export const ACCESS = '__Host-jotward-access'
export const CSRF = 'jotward-csrf'

/** A cookie lives for 15 minutes and is renewed in the last five. */
export const NEAR_END = 601

export const createIssuer = (config: Partial<AuthConfig<unknown>> = {}) => {
  const clock = { now: 1_800_000_000 }
  const auth = createAuth<unknown>({
    issuer: ISSUER,
    audience: AUDIENCE,
    keys: { secret: SECRET },
    store: memoryStore({ now: () => clock.now * 1000 }),
    clock: () => clock.now,
    delivery: 'cookie',
    locations: { order: ['cookie', 'header'] },
    cookies: { renewWithin: '5m' },
    ...config,
  })
  return { auth, clock }
}

export type Issuer = ReturnType<typeof createIssuer>

export const nameOf = (cookie: string): string => cookie.slice(0, cookie.indexOf('='))

export const namesIn = ({ cookies }: Answer): readonly string[] => cookies.map(nameOf)

/** What a browser keeps of the cookies that it is sent: of two of one name the later. */
export const createBrowser = (cookies: readonly string[]) => {
  const kept = new Map<string, string>()
  const receive = (received: readonly string[]): void => {
    for (const cookie of received) {
      const [pair = ''] = cookie.split(';')
      if (cookie.includes('Max-Age=0')) kept.delete(nameOf(cookie))
      else kept.set(nameOf(cookie), pair.slice(pair.indexOf('=') + 1))
    }
  }
  receive(cookies)
  return {
    receive,
    get: (name: string): string | null => kept.get(name) ?? null,
    header: (): readonly [string, string] => ['Cookie', [...kept].map((pair) => pair.join('=')).join('; ')],
  }
}

export const signIn = async ({ auth }: Issuer, subject = 'ann') => {
  const pair = await auth.issue({ subject })
  return { pair, browser: createBrowser(auth.cookies.set(pair)) }
}

const isOurs = (name: string): boolean => name === ACCESS || name === CSRF

export const oursIn = (answer: Answer): readonly string[] => namesIn(answer).filter(isOurs)
