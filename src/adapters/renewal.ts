/** Which renewed cookies go with an answer: a decision that all frameworks share, each at the moment when it knows most. */

/** What an answer is by itself. */
export interface AnswerHead {
  readonly status: number
  /** Values of `Set-Cookie` that it has already. */
  readonly cookies: readonly string[]
  readonly cacheControl: string | null
}

/** What is added to it. */
export interface Renewal {
  /** Values of `Set-Cookie`, to stand before those that are there. */
  readonly cookies: readonly string[]
  /** What `Cache-Control` becomes; null leaves it as it is. */
  readonly cacheControl: string | null
}

/** The values of a header, however a framework keeps them. */
export const valuesOf = (value: unknown): readonly string[] => {
  const values: readonly unknown[] = Array.isArray(value) ? value : [value]
  return values.filter((text) => typeof text === 'string')
}

/** The same as one text; null where there are none. */
export const textOf = (value: unknown): string | null => {
  const values = valuesOf(value)
  return values.length === 0 ? null : values.join(', ')
}

const nameOf = (cookie: string): string => cookie.slice(0, cookie.indexOf('=')).trim()

/** Answers that turn the caller away, for which no cookie of theirs lives longer, and switches of protocols. */
const hasNone = (status: number): boolean => status === 401 || status === 403 || status < 200

/** A cache that serves many keeps cookies too, and would hand the token of one caller to the next (RFC 9111 §7.3). */
const FOR_MANY = /(?:^|[\s,])(?:public|s-maxage)(?:$|[\s,=])/i
const FOR_ONE = /(?:^|[\s,])(?:private|no-store)(?:$|[\s,])/i

/**
 * Of the lists that guards have renewed, what goes out: nothing with an answer that turns the caller away or that is
 * meant for everybody, and no list that speaks of a cookie of which the answer speaks already. So a sign-out stands,
 * and what several guards of one issuer have renewed goes out once. Null: the answer stays as it is.
 */
export const renewalFor = (renewed: readonly (readonly string[])[], head: AnswerHead): Renewal | null => {
  const { status, cacheControl } = head
  if (hasNone(status) || (cacheControl !== null && FOR_MANY.test(cacheControl))) return null
  const taken = new Set(head.cookies.map(nameOf))
  const cookies: string[] = []
  for (const list of renewed) {
    const names = list.map(nameOf)
    if (names.some((name) => taken.has(name))) continue
    for (const name of names) taken.add(name)
    cookies.push(...list)
  }
  if (cookies.length === 0) return null
  if (cacheControl === null) return { cookies, cacheControl: 'private' }
  return { cookies, cacheControl: FOR_ONE.test(cacheControl) ? null : `${cacheControl}, private` }
}

const turnedAway = new WeakSet<object>()

/** Notes that a guard has refused: what an outer one has renewed must not go with its answer, whatever that looks like. */
export const markRefused = (...carriers: readonly object[]): void => {
  for (const carrier of carriers) turnedAway.add(carrier)
}

export const isRefused = (carrier: object): boolean => turnedAway.has(carrier)
